#include <algorithm>
#include <utility>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

/// Whether two series can differ in their names alone: not when every match has the same name.
bool has_fixed_name(const VectorSelector& selector) {
  return std::ranges::any_of(selector.matchers, [](const store::Matcher& matcher) {
    return matcher.label == "__name__" && matcher.type == store::MatchType::equal;
  });
}

/// Where the lookback ends is inside in Prometheus 2.x and outside since 3.0.
struct Lookback {
  Millis length;
  bool closed;
  bool holds(const Point& point, Millis instant) const {
    return closed ? point.at >= instant - length : point.at > instant - length;
  }
};

double cell_of(const Point& point, bool timestamps) {
  if (!timestamps || is_absent(point.value)) return point.value;
  return static_cast<double>(point.at) / 1000;
}

/// The newest point at each instant, unless it is too old or stale (the stale marker is absence).
void look_back(std::span<const Point> points, std::span<double> cells, const Lookback& lookback,
               std::span<const Millis> instants, bool timestamps) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Millis instant = instants[instants.size() == 1 ? 0 : i];
    while (next < points.size() && points[next].at <= instant) ++next;
    if (next > 0 && lookback.holds(points[next - 1], instant)) {
      cells[i] = cell_of(points[next - 1], timestamps);
    }
  }
}

}  // namespace

Result<Table> Evaluation::timestamps(const VectorSelector& selector, const Grid& grid) {
  return select(selector, grid, true);
}

Result<Table> Evaluation::select(const VectorSelector& selector, const Grid& grid, bool timestamps) {
  const auto interval = clockwork_.interval(selector, options_.lookback, grid);
  auto selection = source_.fetch(selector.matchers, interval.from, interval.to, need_of(selector, grid));
  Table out = table(grid);
  out.distinct = has_fixed_name(selector);
  auto held = hold(selection->size() * grid.count);
  if (!held) return std::unexpected(held.error());
  out.held = std::move(*held);
  out.rows.reserve(selection->size());
  out.cells.reserve(selection->size() * grid.count);

  std::vector<Millis> instants(selector.at ? 1 : grid.count, interval.to);
  if (!selector.at) {
    for (std::size_t i = 0; i < grid.count; ++i) instants[i] = grid.at(i) - selector.offset;
  }
  const Lookback lookback{.length = options_.lookback, .closed = legacy()};
  for (const auto& series : *selection) {
    auto timely = in_time(grid.count);
    if (!timely) return std::unexpected(timely.error());
    if (grid.count == 1) {
      // Nearly every rule: the last point is the one, or there is none.
      const auto& points = series.points;
      if (points.empty() || points.back().at > interval.to || !lookback.holds(points.back(), interval.to))
        continue;
      const double cell = cell_of(points.back(), timestamps);
      if (!is_absent(cell)) out.add(rows_.of(*series.labels), cell);
      continue;
    }
    out.add(rows_.of(*series.labels), kAbsent);
    look_back(series.points, out.cells_of(out.rows.size() - 1), lookback, instants, timestamps);
  }
  selections_.push_back(std::move(selection));
  return out;
}

Result<Ranges> Evaluation::ranges(const Expr& expr, const Grid& grid) {
  const Expr& inner = unwrapped(expr);
  if (const auto* const selector = std::get_if<MatrixSelector>(&inner.node)) {
    return select_ranges(*selector, grid);
  }
  const auto* const subquery = std::get_if<Subquery>(&inner.node);
  if (!subquery) return fail(ErrorKind::internal, "an expression that is no range vector was taken for one");
  return subquery_ranges(*subquery, grid);
}

/// Range vectors know no staleness: the markers are skipped.
void Evaluation::add_without_stale(Ranges& ranges, std::span<const Point> points) {
  const auto is_stale = [](const Point& point) { return is_absent(point.value); };
  if (std::ranges::any_of(points, is_stale)) {
    auto& kept = points_.emplace_back();
    std::ranges::remove_copy_if(points, std::back_inserter(kept), is_stale);
    points = kept;
  }
  ranges.points.push_back(points);
}

Result<Ranges> Evaluation::select_ranges(const MatrixSelector& node, const Grid& grid) {
  const auto& selector = node.selector;
  const auto interval = clockwork_.interval(selector, node.range, grid);
  auto selection = source_.fetch(selector.matchers, interval.from, interval.to, Source::Need::all);
  Ranges out;
  out.range = node.range;
  out.offset = selector.offset;
  out.at = clockwork_.resolve(selector.at);
  out.distinct = has_fixed_name(selector);
  std::size_t points = 0;
  for (const auto& series : *selection) points += series.points.size();
  auto held = hold(points);
  if (!held) return std::unexpected(held.error());
  out.held = std::move(*held);
  for (const auto& series : *selection) {
    auto timely = in_time(series.points.size());
    if (!timely) return std::unexpected(timely.error());
    out.rows.push_back(rows_.of(*series.labels));
    add_without_stale(out, series.points);
  }
  selections_.push_back(std::move(selection));
  return out;
}

Result<Ranges> Evaluation::subquery_ranges(const Subquery& node, const Grid& grid) {
  Ranges out;
  out.range = node.range;
  out.offset = node.offset;
  out.at = clockwork_.resolve(node.at);
  const auto inner_grid = clockwork_.grid_of(node, options_.default_step, grid);
  if (!inner_grid) return out;
  if (inner_grid->count > options_.max_samples) return std::unexpected(hold(inner_grid->count).error());
  auto inner = vector(*node.expr, *inner_grid);
  if (!inner) return std::unexpected(inner.error());
  auto held = hold(inner->cells.size());
  if (!held) return std::unexpected(held.error());
  out.held = std::move(*held);
  out.distinct = inner->distinct;
  for (std::size_t row = 0; row < inner->rows.size(); ++row) {
    auto& points = points_.emplace_back();
    const auto cells = std::as_const(*inner).cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_absent(cells[i])) points.push_back({.at = inner_grid->at(i), .value = cells[i]});
    }
    out.rows.push_back(inner->rows[row]);
    out.points.emplace_back(points);
  }
  return out;
}

}  // namespace qw::promql
