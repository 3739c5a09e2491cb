#include "daemon/promql/evaluation.hpp"

namespace qw::promql {

std::optional<Millis> Clockwork::resolve(const std::optional<At>& at) const {
  if (!at) return std::nullopt;
  switch (at->kind) {
    case At::Kind::start:
      return times_.start;
    case At::Kind::end:
      return times_.end;
    case At::Kind::time:
      break;
  }
  return at->time;
}

Interval Clockwork::interval(const VectorSelector& selector, Millis back, const Grid& grid) const {
  const auto at = resolve(selector.at);
  return {.from = first_inside(at.value_or(grid.start) - selector.offset, back),
          .to = at.value_or(grid.last()) - selector.offset};
}

std::optional<Grid> Clockwork::grid_of(const Subquery& subquery, Millis default_step,
                                       const Grid& grid) const {
  const auto at = resolve(subquery.at);
  const Millis step = subquery.step.value_or(default_step);
  const Millis before = at.value_or(grid.start) - subquery.offset - subquery.range;
  const Millis last = at.value_or(grid.last()) - subquery.offset;
  // The instants are multiples of the step, whenever the query is asked.
  Millis first = before / step * step;
  if (closed_ ? first < before : first <= before) first += step;
  if (last < first) return std::nullopt;
  return Grid{.start = first, .step = step, .count = static_cast<std::size_t>((last - first) / step) + 1};
}

Source::Need need_of(const VectorSelector& selector, const Grid& grid) {
  return grid.count == 1 || selector.at ? Source::Need::newest : Source::Need::all;
}

}  // namespace qw::promql
