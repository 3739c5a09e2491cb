#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/hash_index.hpp"

namespace qw::promql {
namespace {

/// The fewest digits that give the number back, and no exponent: "0.0001", "100000".
std::string fixed(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::abs(value), std::chars_format::scientific).ptr;
  const std::string text(buffer, end);
  const auto e = text.find('e');
  std::string digits = text.substr(0, e);
  int point = 1;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), point);
  ++point;  // before how many digits the point stands
  if (digits.size() > 1) digits.erase(1, 1);
  if (point <= 0) {
    digits.insert(0, static_cast<std::size_t>(1 - point), '0');
    digits.insert(1, ".");
  } else if (static_cast<std::size_t>(point) < digits.size()) {
    digits.insert(static_cast<std::size_t>(point), ".");
  } else {
    digits.append(static_cast<std::size_t>(point) - digits.size(), '0');
  }
  return std::signbit(value) ? "-" + digits : digits;
}

}  // namespace

Result<Table> count_values(Evaluation& evaluation, const Aggregate& node, Table input) {
  const std::string& label = text_of(*node.parameter);
  auto grouping = node.grouping;
  grouping.push_back(node.without ? "__name__" : label);
  LabelNames names(std::move(grouping));
  auto& rows = evaluation.rows();
  Table out;
  out.steps = input.steps;
  HashIndex groups(16);
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    auto timely = evaluation.in_time();
    if (!timely) return std::unexpected(timely.error());
    const auto cells = input.cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (is_absent(cells[i])) continue;
      const Row valued = rows.set(input.rows[row], label, fixed(cells[i]));
      const Row group = node.without ? rows.drop(valued, names) : rows.keep(valued, names);
      const auto number = groups.add(group.hash);
      if (number == out.rows.size()) {
        out.add(group, kAbsent);
        out.rows.back().drop_name = false;
        auto held = evaluation.hold(out);
        if (!held) return std::unexpected(held.error());
      }
      double& count = out.cells_of(number)[i];
      count = is_absent(count) ? 1 : count + 1;
    }
  }
  return out;
}

}  // namespace qw::promql
