#include "daemon/promql/table.hpp"

#include <algorithm>

#include "daemon/promql/hash_index.hpp"

namespace qw::promql {
namespace {

bool is_empty(std::span<const double> cells) {
  return std::ranges::all_of(cells, is_absent);
}

/// False when both have a sample at one instant.
bool merge(std::span<double> into, std::span<const double> from) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    if (is_absent(from[i])) continue;
    if (!is_absent(into[i])) return false;
    into[i] = from[i];
  }
  return true;
}

void move_row(Table& table, std::size_t from, std::size_t to) {
  if (from == to) return;
  table.rows[to] = table.rows[from];
  std::ranges::copy(table.cells_of(from), table.cells_of(to).begin());
}

void cut(Table& table, std::size_t rows) {
  table.rows.resize(rows);
  table.cells.resize(rows * table.steps);
}

}  // namespace

void compact(Table& table) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (!is_empty(table.cells_of(i))) move_row(table, i, kept++);
  }
  cut(table, kept);
}

bool merge_equal_rows(Table& table) {
  HashIndex seen(table.rows.size());
  for (const auto& row : table.rows) seen.add(row.hash);
  if (seen.size() == table.rows.size()) return true;
  HashIndex numbers(table.rows.size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto number = numbers.add(table.rows[i].hash);
    if (number == kept) {
      move_row(table, i, kept++);
    } else if (!merge(table.cells_of(number), table.cells_of(i))) {
      return false;
    }
  }
  cut(table, kept);
  return true;
}

bool has_equal_rows(const Table& table) {
  HashIndex seen(table.rows.size());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (is_empty(table.cells_of(i))) continue;
    seen.add(table.rows[i].hash);
    ++rows;
  }
  return seen.size() != rows;
}

}  // namespace qw::promql
