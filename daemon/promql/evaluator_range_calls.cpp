#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/printer.hpp"
#include "daemon/promql/range_functions.hpp"

namespace qw::promql {
namespace {

/// The arguments of a call: its range vector and the numbers beside it, in order.
struct RangeArguments {
  const Expr* range = nullptr;
  Ranges ranges;
  std::vector<Column> numbers;
};

Result<RangeArguments> arguments_of(Evaluation& evaluation, const Call& call, const Grid& grid) {
  RangeArguments out;
  for (const auto& argument : call.arguments) {
    if (argument->type == ValueType::matrix) {
      auto ranges = evaluation.ranges(*argument, grid);
      if (!ranges) return std::unexpected(ranges.error());
      out.range = argument.get();
      out.ranges = std::move(*ranges);
    } else {
      auto column = evaluation.scalar(*argument, grid);
      if (!column) return std::unexpected(column.error());
      out.numbers.push_back(std::move(*column));
    }
  }
  return out;
}

/// Walks with the instants through the points of one series.
class Windows {
 public:
  Windows(std::span<const Point> points, const Ranges& ranges, bool closed)
      : points_(points), ranges_(ranges), closed_(closed) {}

  std::span<const Point> at(Millis instant) {
    const Millis end = ranges_.end(instant);
    const Millis begin = end - ranges_.range;
    while (first_ < points_.size() && (closed_ ? points_[first_].at < begin : points_[first_].at <= begin))
      ++first_;
    if (last_ < first_) last_ = first_;
    while (last_ < points_.size() && points_[last_].at <= end) ++last_;
    return points_.subspan(first_, last_ - first_);
  }

 private:
  std::span<const Point> points_;
  const Ranges& ranges_;
  bool closed_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

Result<void> check_factors(std::span<const double> factors) {
  constexpr std::string_view kNames[] = {"smoothing factor. Expected: 0 < sf < 1",
                                         "trend factor. Expected: 0 < tf < 1"};
  for (std::size_t i = 0; i < 2; ++i) {
    if (factors[i] <= 0 || factors[i] >= 1) {
      return fail(ErrorKind::rejected, fmt::format("invalid {}, got: {:f}", kNames[i], factors[i]));
    }
  }
  return {};
}

/// 0 without a name.
std::uint64_t hash_of_name(const Row& row) {
  const auto place = row.base->name_index;
  return place == SeriesLabels::kNone || !is_there(row, place) ? 0 : row.base->hashes[place].pair;
}

void note_if_no_counter(Evaluation& evaluation, const Row& row, Span span) {
  constexpr std::string_view kEnds[] = {"_total", "_sum", "_count", "_bucket"};
  const auto name = name_of(row);
  const bool counter = std::ranges::any_of(kEnds, [&](std::string_view end) { return name.ends_with(end); });
  if (name.empty() || counter) return;
  evaluation.inform(
      "PromQL info: metric might not be a counter, name does not end in "
      "_total/_sum/_count/_bucket: " +
          go_quoted(name),
      span);
}

/// One call over all series.
class RangeCall {
 public:
  RangeCall(Evaluation& evaluation, const Call& call, const Grid& grid, const RangeArguments& arguments)
      : evaluation_(evaluation),
        id_(call.function->id),
        function_(range_function(id_)),
        grid_(grid),
        arguments_(arguments),
        numbers_(arguments.numbers.size()) {
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      if (call.arguments[i]->type == ValueType::scalar) number_span_ = call.arguments[i]->span;
    }
  }

  /// Whether the series has a value at some instant.
  Result<bool> fill(std::size_t series, std::span<double> cells) {
    Windows windows(arguments_.ranges.points[series], arguments_.ranges, evaluation_.legacy());
    bool any = false;
    for (std::size_t i = 0; i < grid_.count; ++i) {
      const auto points = windows.at(grid_.at(i));
      if (points.empty()) continue;
      auto timely = evaluation_.in_time(points.size());
      if (!timely) return std::unexpected(timely.error());
      for (std::size_t n = 0; n < numbers_.size(); ++n) numbers_[n] = arguments_.numbers[n][i];
      auto checked = check();
      if (!checked) return std::unexpected(checked.error());
      const Millis end = arguments_.ranges.end(grid_.at(i));
      cells[i] = function_({.points = points,
                            .begin = end - arguments_.ranges.range,
                            .end = end,
                            .at = grid_.at(i),
                            .numbers = numbers_,
                            .legacy = evaluation_.legacy()});
      any |= !is_absent(cells[i]);
    }
    return any;
  }

 private:
  Result<void> check() {
    if (id_ == FunctionId::holt_winters) return check_factors(numbers_);
    if (id_ == FunctionId::quantile_over_time) warn_of_quantile(evaluation_, numbers_[0], number_span_);
    return {};
  }

  Evaluation& evaluation_;
  FunctionId id_;
  RangeFunction function_;
  const Grid& grid_;
  const RangeArguments& arguments_;
  std::vector<double> numbers_;
  Span number_span_;
};

}  // namespace

void warn_of_quantile(Evaluation& evaluation, double q, Span span) {
  if (q >= 0 && q <= 1) return;
  evaluation.warn("PromQL warning: quantile value should be between 0 and 1, got " + print_value(q), span);
}

Result<Table> call_range_function(Evaluation& evaluation, const Call& call, const Grid& grid) {
  auto arguments = arguments_of(evaluation, call, grid);
  if (!arguments) return std::unexpected(arguments.error());
  const auto id = call.function->id;
  // They stand for a sample of the series, and so keep its name.
  const bool keeps_name = id == FunctionId::last_over_time || id == FunctionId::first_over_time;
  RangeCall one(evaluation, call, grid, *arguments);
  Table out = evaluation.table(grid);
  out.distinct = arguments->ranges.distinct;
  auto held = evaluation.hold(arguments->ranges.rows.size() * grid.count);
  if (!held) return std::unexpected(held.error());
  out.held = std::move(*held);
  std::vector<double> cells(grid.count);
  std::uint64_t name_seen = 0;
  for (std::size_t i = 0; i < arguments->ranges.rows.size(); ++i) {
    auto timely = evaluation.in_time();
    if (!timely) return std::unexpected(timely.error());
    std::ranges::fill(cells, kAbsent);
    const auto filled = one.fill(i, cells);
    if (!filled) return std::unexpected(filled.error());
    if (!*filled) continue;
    const Row& row = arguments->ranges.rows[i];
    const auto name = hash_of_name(row);
    if ((id == FunctionId::rate || id == FunctionId::increase) && name != name_seen) {
      note_if_no_counter(evaluation, row, arguments->range->span);
      name_seen = name;
    }
    out.rows.push_back(keeps_name ? row : evaluation.drop_name(row));
    out.cells.insert(out.cells.end(), cells.begin(), cells.end());
  }
  // Prometheus refuses two such series even where they never have a sample at the same time.
  if (!out.distinct && !evaluation.options().delayed_name_removal && has_equal_rows(out)) {
    return fail(ErrorKind::rejected, "vector cannot contain metrics with the same labelset");
  }
  return out;
}

Result<Table> absent_over_time(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const auto ranges = evaluation.ranges(*call.arguments[0], grid);
  if (!ranges) return std::unexpected(ranges.error());
  std::vector<double> cells(grid.count, 1);
  for (const auto points : ranges->points) {
    Windows windows(points, *ranges, evaluation.legacy());
    for (std::size_t i = 0; i < grid.count; ++i) {
      if (!windows.at(grid.at(i)).empty()) cells[i] = kAbsent;
    }
  }
  Table out = evaluation.table(grid);
  out.distinct = true;
  const auto& inner = unwrapped(*call.arguments[0]);
  const auto* const selector = std::get_if<MatrixSelector>(&inner.node);
  out.rows.push_back(selector ? evaluation.rows().make(absence_labels(selector->selector))
                              : evaluation.rows().empty());
  out.cells = std::move(cells);
  compact(out);
  return out;
}

}  // namespace qw::promql
