#include "daemon/promql/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/base/utf8.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

/// How many samples are looked at between two questions for the time: some tens of microseconds.
constexpr std::size_t kAskEvery = 1 << 14;

Table broadcast(Table table, std::size_t steps) {
  std::vector<double> cells;
  cells.reserve(table.rows.size() * steps);
  for (const double cell : table.cells) cells.insert(cells.end(), steps, cell);
  table.cells = std::move(cells);
  table.steps = steps;
  return table;
}

}  // namespace

Evaluation::Evaluation(const Source& source, Times times, const Options& options)
    : source_(source), options_(options), times_(times), clockwork_(times, options) {
  samples_.most = options.max_samples;
}

Grid Evaluation::query_grid() const {
  if (times_.step <= 0) return {.start = times_.start};
  return {.start = times_.start,
          .step = times_.step,
          .count = static_cast<std::size_t>((times_.end - times_.start) / times_.step) + 1};
}

Result<Table> Evaluation::vector(const Expr& expr, const Grid& grid) {
  auto timely = in_time();
  if (!timely) return std::unexpected(timely.error());
  if (grid.count == 1 || !is_invariant(expr)) return vector_node(expr, grid);
  auto once = vector_node(expr, {.start = grid.start});
  if (!once) return once;
  auto held = hold(once->rows.size() * grid.count);
  if (!held) return std::unexpected(held.error());
  once->held = std::move(*held);
  return broadcast(std::move(*once), grid.count);
}

bool Evaluation::is_invariant(const Expr& expr) {
  const auto [entry, fresh] = invariant_.try_emplace(&expr, false);
  if (fresh) entry->second = is_step_invariant(expr);
  return entry->second;
}

Result<Table> Evaluation::vector_node(const Expr& expr, const Grid& grid) {
  if (const auto* const selector = std::get_if<VectorSelector>(&expr.node)) {
    return select(*selector, grid, false);
  }
  if (const auto* const paren = std::get_if<Paren>(&expr.node)) return vector(*paren->expr, grid);
  if (const auto* const call = std::get_if<Call>(&expr.node)) return call_vector(*this, expr, *call, grid);
  if (const auto* const binary = std::get_if<Binary>(&expr.node)) {
    return binary_vector(*this, *binary, grid);
  }
  if (const auto* const node = std::get_if<Aggregate>(&expr.node)) return aggregate(*this, *node, grid);
  const auto* const unary = std::get_if<Unary>(&expr.node);
  if (!unary) return fail(ErrorKind::internal, "an expression that is no instant vector was taken for one");
  auto table = vector(*unary->expr, grid);
  if (!table || !unary->minus) return table;
  for (double& cell : table->cells) {
    if (!is_absent(cell)) cell = -cell;
  }
  drop_names(*table);
  // Prometheus 2.x refuses two such series even where they never have a sample at the same time.
  if (legacy() && !table->distinct && has_equal_rows(*table)) {
    return fail(ErrorKind::rejected, "vector cannot contain metrics with the same labelset");
  }
  auto settled = settle(*table);
  if (!settled) return std::unexpected(settled.error());
  return table;
}

Result<Column> Evaluation::scalar(const Expr& expr, const Grid& grid) {
  if (grid.count > options_.max_samples) return std::unexpected(hold(grid.count).error());
  if (const auto* const number = std::get_if<Number>(&expr.node)) return Column(grid.count, number->value);
  if (const auto* const paren = std::get_if<Paren>(&expr.node)) return scalar(*paren->expr, grid);
  if (const auto* const call = std::get_if<Call>(&expr.node)) return call_scalar(*this, *call, grid);
  if (const auto* const unary = std::get_if<Unary>(&expr.node)) {
    auto column = scalar(*unary->expr, grid);
    if (column && unary->minus) std::ranges::transform(*column, column->begin(), std::negate());
    return column;
  }
  const auto* const binary = std::get_if<Binary>(&expr.node);
  if (!binary) return fail(ErrorKind::internal, "an expression that is no scalar was taken for one");
  auto left = scalar(*binary->left, grid);
  if (!left) return left;
  const auto right = scalar(*binary->right, grid);
  if (!right) return right;
  for (std::size_t i = 0; i < grid.count; ++i)
    (*left)[i] = binary_number(binary->op, (*left)[i], (*right)[i]);
  return left;
}

Result<Scalar> Evaluation::instant_scalar(const Expr& expr) {
  const auto column = scalar(expr, query_grid());
  if (!column) return std::unexpected(column.error());
  return Scalar{.at = times_.start, .value = (*column)[0]};
}

Result<Table> Evaluation::finish(Result<Table> table) {
  if (!table || !options_.delayed_name_removal) return table;
  for (Row& row : table->rows) {
    if (row.drop_name) row = rows_.without_name(row);
  }
  table->distinct = false;
  auto settled = settle(*table);
  if (!settled) return std::unexpected(settled.error());
  return table;
}

Result<Vector> Evaluation::instant_vector(const Expr& expr) {
  const auto table = finish(vector(expr, query_grid()));
  if (!table) return std::unexpected(table.error());
  Vector out;
  for (std::size_t i = 0; i < table->rows.size(); ++i) {
    if (is_absent(table->cells[i])) continue;
    out.push_back({.labels = labels_of(table->rows[i]), .at = times_.start, .value = table->cells[i]});
  }
  return out;
}

Result<Matrix> Evaluation::range_matrix(const Expr& expr) {
  const Grid grid = query_grid();
  if (grid.count > options_.max_samples) return std::unexpected(hold(grid.count).error());
  if (expr.type == ValueType::scalar) {
    const auto column = scalar(expr, grid);
    if (!column) return std::unexpected(column.error());
    MatrixSeries series;
    for (std::size_t i = 0; i < grid.count; ++i)
      series.points.push_back({.at = grid.at(i), .value = (*column)[i]});
    return Matrix{std::move(series)};
  }
  const auto table = finish(vector(expr, grid));
  if (!table) return std::unexpected(table.error());
  Matrix out;
  for (std::size_t row = 0; row < table->rows.size(); ++row) {
    MatrixSeries series;
    const auto cells = table->cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_absent(cells[i])) series.points.push_back({.at = grid.at(i), .value = cells[i]});
    }
    if (series.points.empty()) continue;
    series.labels = labels_of(table->rows[row]);
    out.push_back(std::move(series));
  }
  return out;
}

Result<Matrix> Evaluation::matrix(const Expr& expr) {
  auto input = ranges(unwrapped(expr), query_grid());
  if (!input) return std::unexpected(input.error());
  Matrix out;
  for (std::size_t i = 0; i < input->rows.size(); ++i) {
    const auto points = input->points[i];
    if (points.empty()) continue;
    out.push_back(
        {.labels = labels_of(input->rows[i].drop_name ? rows_.without_name(input->rows[i]) : input->rows[i]),
         .points = {points.begin(), points.end()}});
  }
  return out;
}

Table Evaluation::table(const Grid& grid) const {
  Table table;
  table.steps = grid.count;
  return table;
}

Result<HeldSamples> Evaluation::hold(std::size_t samples) {
  if (samples > samples_.most - std::min(samples_.now, samples_.most)) {
    return fail(ErrorKind::too_large,
                "query processing would load too many samples into memory in query execution");
  }
  return HeldSamples(samples_, samples);
}

Result<void> Evaluation::hold(Table& table) {
  auto held = hold(table.cells.size());
  if (!held) return std::unexpected(held.error());
  table.held = std::move(*held);
  return {};
}

Result<void> Evaluation::in_time(std::size_t samples) {
  if (samples < until_asked_) {
    until_asked_ -= samples;
    return {};
  }
  until_asked_ = kAskEvery;
  if (!options_.expired) return {};
  if (options_.expired()) return fail(ErrorKind::timeout, "query timed out in expression evaluation");
  return {};
}

Row Evaluation::drop_name(Row row) {
  if (!options_.delayed_name_removal) return rows_.without_name(row);
  row.drop_name = true;
  return row;
}

void Evaluation::drop_names(Table& table) {
  for (Row& row : table.rows) row = drop_name(row);
}

Result<void> Evaluation::settle(Table& table) const {
  if (table.distinct || merge_equal_rows(table)) return {};
  return fail(ErrorKind::rejected, "vector cannot contain metrics with the same labelset");
}

void Evaluation::note(Annotation::Kind kind, const std::string& text, Span span) {
  // One of each is enough, and a rule over many series would make as many.
  const auto same = [&](const Annotation& one) { return one.kind == kind && one.text == text; };
  if (std::ranges::none_of(annotations_, same))
    annotations_.push_back({.kind = kind, .text = text, .span = span});
}

std::string go_quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const auto next = next_code_point(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (!next.valid || (byte < ' ' && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7f) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
      text.remove_prefix(1);
      continue;
    }
    switch (byte) {
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      case '"':
      case '\\':
        out += '\\';
        [[fallthrough]];
      default:
        out += text.substr(0, next.size);
    }
    text.remove_prefix(next.size);
  }
  return out + '"';
}

bool is_label_name_for(const Evaluation& evaluation, std::string_view name) {
  if (evaluation.legacy()) return is_label_name(name);
  while (!name.empty()) {
    const auto next = next_code_point(name);
    if (!next.valid) return false;
    name.remove_prefix(next.size);
    if (name.empty()) return true;
  }
  return false;
}

const std::string& text_of(const Expr& expr) {
  return std::get<String>(unwrapped(expr).node).value;
}

}  // namespace qw::promql
