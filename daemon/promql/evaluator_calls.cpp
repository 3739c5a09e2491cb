#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/range_functions.hpp"

namespace qw::promql {
namespace {

/// As Go has them: an infinity on that side wins even over NaN.
double greater_of(double a, double b) {
  if (std::isinf(a) && a > 0) return a;
  if (std::isinf(b) && b > 0) return b;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return std::max(a, b);
}
double lesser_of(double a, double b) {
  return -greater_of(-a, -b);
}

/// Every sample becomes function(sample, instant); the names go.
template <class Function>
Result<Table> map(Evaluation& evaluation, Table table, Function function) {
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto cells = table.cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_absent(cells[i])) cells[i] = function(cells[i], i);
    }
  }
  evaluation.drop_names(table);
  auto settled = evaluation.settle(table);
  if (!settled) return std::unexpected(settled.error());
  return table;
}

/// The scalar arguments from the second one on.
Result<std::vector<Column>> numbers_of(Evaluation& evaluation, const Call& call, const Grid& grid) {
  std::vector<Column> numbers;
  for (std::size_t i = 1; i < call.arguments.size(); ++i) {
    auto column = evaluation.scalar(*call.arguments[i], grid);
    if (!column) return std::unexpected(column.error());
    numbers.push_back(std::move(*column));
  }
  return numbers;
}

Result<Table> clamp(Evaluation& evaluation, const Call& call, const Grid& grid) {
  auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return table;
  const auto numbers = numbers_of(evaluation, call, grid);
  if (!numbers) return std::unexpected(numbers.error());
  const Column& first = (*numbers)[0];
  if (call.function->id == FunctionId::clamp_max) {
    return map(evaluation, std::move(*table),
               [&](double x, std::size_t i) { return lesser_of(first[i], x); });
  }
  if (call.function->id == FunctionId::clamp_min) {
    return map(evaluation, std::move(*table),
               [&](double x, std::size_t i) { return greater_of(first[i], x); });
  }
  const Column& second = (*numbers)[1];
  auto clamped = map(evaluation, std::move(*table), [&](double x, std::size_t i) {
    return second[i] < first[i] ? kAbsent : greater_of(first[i], lesser_of(second[i], x));
  });
  if (clamped) compact(*clamped);
  return clamped;
}

Result<Table> round(Evaluation& evaluation, const Call& call, const Grid& grid) {
  auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return table;
  auto numbers = numbers_of(evaluation, call, grid);
  if (!numbers) return std::unexpected(numbers.error());
  if (numbers->empty()) numbers->emplace_back(grid.count, 1);
  const Column& nearest = (*numbers)[0];
  return map(evaluation, std::move(*table), [&](double x, std::size_t i) {
    // The inverse, since dividing by 0.1 is not exact.
    const double inverse = 1 / nearest[i];
    return std::floor(x * inverse + 0.5) / inverse;
  });
}

Result<Table> timestamp(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const Expr& argument = unwrapped(*call.arguments[0]);
  if (const auto* const selector = std::get_if<VectorSelector>(&argument.node)) {
    auto times = evaluation.timestamps(*selector, grid);
    if (!times) return times;
    return map(evaluation, std::move(*times), [](double x, std::size_t) { return x; });
  }
  auto table = evaluation.vector(argument, grid);
  if (!table) return table;
  return map(evaluation, std::move(*table),
             [&](double, std::size_t i) { return static_cast<double>(grid.at(i)) / 1000; });
}

Result<Table> one_row(Evaluation& evaluation, Column column) {
  Table out;
  out.steps = column.size();
  out.distinct = true;
  out.rows.push_back(evaluation.rows().empty());
  out.cells = std::move(column);
  auto held = evaluation.hold(out);
  if (!held) return std::unexpected(held.error());
  return out;
}

Result<Table> date(Evaluation& evaluation, const Call& call, const Grid& grid) {
  auto* const function = date_function(call.function->id);
  if (call.arguments.empty()) {
    Column column(grid.count);
    for (std::size_t i = 0; i < grid.count; ++i) column[i] = function(static_cast<double>(grid.at(i) / 1000));
    return one_row(evaluation, std::move(column));
  }
  auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return table;
  return map(evaluation, std::move(*table), [&](double x, std::size_t) { return function(x); });
}

}  // namespace

Result<Column> call_scalar(Evaluation& evaluation, const Call& call, const Grid& grid) {
  Column out(grid.count, std::numeric_limits<double>::quiet_NaN());
  switch (call.function->id) {
    case FunctionId::pi:
      std::ranges::fill(out, M_PI);
      return out;
    case FunctionId::time:
      for (std::size_t i = 0; i < grid.count; ++i) out[i] = static_cast<double>(grid.at(i)) / 1000;
      return out;
    default:
      break;
  }
  // scalar(): the value of the only sample there is.
  const auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return std::unexpected(table.error());
  for (std::size_t i = 0; i < grid.count; ++i) {
    std::size_t found = 0;
    for (std::size_t row = 0; row < table->rows.size() && found < 2; ++row) {
      const double cell = table->cells_of(row)[i];
      if (is_absent(cell)) continue;
      out[i] = ++found == 1 ? cell : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return out;
}

Result<Table> call_vector(Evaluation& evaluation, const Expr& expr, const Call& call, const Grid& grid) {
  const auto id = call.function->id;
  switch (id) {
    case FunctionId::absent:
      return absent_function(evaluation, call, grid);
    case FunctionId::absent_over_time:
      return absent_over_time(evaluation, call, grid);
    case FunctionId::clamp:
    case FunctionId::clamp_max:
    case FunctionId::clamp_min:
      return clamp(evaluation, call, grid);
    case FunctionId::histogram_fraction:
      return call_histogram_fraction(evaluation, call, grid);
    case FunctionId::histogram_quantile:
      return call_histogram_quantile(evaluation, call, grid);
    case FunctionId::holt_winters:
      if (!evaluation.legacy()) {
        return fail(ErrorKind::rejected,
                    "holt_winters is a function of Prometheus 2.x: 3.x has no stable one like it");
      }
      break;
    case FunctionId::label_join:
      return label_join(evaluation, call, grid);
    case FunctionId::label_replace:
      return label_replace(evaluation, call, grid);
    case FunctionId::round:
      return round(evaluation, call, grid);
    case FunctionId::sort:
    case FunctionId::sort_desc:
      return sort_function(evaluation, expr, call, grid);
    case FunctionId::timestamp:
      return timestamp(evaluation, call, grid);
    case FunctionId::vector: {
      auto column = evaluation.scalar(*call.arguments[0], grid);
      if (!column) return std::unexpected(column.error());
      return one_row(evaluation, std::move(*column));
    }
    default:
      break;
  }
  if (range_function(id)) return call_range_function(evaluation, call, grid);
  if (date_function(id)) return date(evaluation, call, grid);
  auto* const function = number_function(id);
  if (!function) return fail(ErrorKind::internal, "no implementation of " + std::string(call.function->name));
  auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return table;
  return map(evaluation, std::move(*table), [&](double x, std::size_t) { return function(x); });
}

}  // namespace qw::promql
