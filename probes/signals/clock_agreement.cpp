#include "probes/signals/clock_agreement.hpp"

#include <algorithm>
#include <utility>

namespace qw::signals {
namespace {

/// An end of an interval.
struct Edge {
  Nanoseconds at;
  int step;  ///< +1 where one begins, -1 where it ends
};

Nanoseconds half_of(Nanoseconds tolerance) {
  return tolerance / 2 + Nanoseconds(tolerance.count() % 2);
}

std::vector<Edge> edges_of(std::span<const ClockInterval> intervals, Nanoseconds tolerance) {
  std::vector<Edge> edges;
  edges.reserve(2 * intervals.size());
  for (const auto& interval : intervals) {
    const auto wide = interval.wider(half_of(tolerance));
    edges.push_back({wide.from, 1});
    edges.push_back({wide.to, -1});
  }
  // Ends come after beginnings at the same place: intervals that touch agree.
  std::ranges::sort(edges, {}, [](const Edge& edge) { return std::pair(edge.at, -edge.step); });
  return edges;
}

/// Calls `visit(from, to, depth)` for every stretch between two edges.
template <class Visit>
void sweep(const std::vector<Edge>& edges, Visit visit) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    edges[i].step > 0 ? ++depth : --depth;
    if (i + 1 < edges.size()) visit(ClockInterval{edges[i].at, edges[i + 1].at}, depth);
  }
}

}  // namespace

ClockAgreement most_agree(std::span<const ClockInterval> intervals, Nanoseconds tolerance) {
  ClockAgreement best;
  sweep(edges_of(intervals, tolerance), [&](ClockInterval stretch, std::size_t depth) {
    if (depth > best.count) {
      best = {depth, stretch};
    } else if (depth == best.count) {
      best.common.to = std::max(best.common.to, stretch.to);
    }
  });
  return best;
}

ClockCourt::ClockCourt(std::span<const ClockInterval> voters, Nanoseconds tolerance)
    : widening_(half_of(tolerance)) {
  sweep(edges_of(voters, tolerance), [&](ClockInterval stretch, std::size_t depth) {
    if (depth > voters.size() / 2) places_.push_back(stretch);
  });
}

bool ClockCourt::guilty(const ClockInterval& clock) const {
  const auto wide = clock.wider(widening_);
  return agreed() &&
         std::ranges::none_of(places_, [&](const ClockInterval& place) { return wide.meets(place); });
}

ClockVerdict combine(std::span<const ClockInterval> sources) {
  const auto agreed = most_agree(sources);
  const auto half = sources.size() / 2;
  if (agreed.count > half) return {agreed.common, sources.size() - agreed.count};
  ClockVerdict all{sources.front(), sources.size() - agreed.count};
  for (const auto& source : sources) {
    all.offset.from = std::min(all.offset.from, source.from);
    all.offset.to = std::max(all.offset.to, source.to);
  }
  return all;
}

std::optional<ClockSpread> spread(std::span<const ClockInterval> intervals) {
  if (intervals.size() < 2) return std::nullopt;
  ClockSpread widest;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    for (std::size_t k = i + 1; k < intervals.size(); ++k) {
      const ClockInterval apart{intervals[i].from - intervals[k].to, intervals[i].to - intervals[k].from};
      widest.at_least = std::max(widest.at_least, apart.at_least());
      widest.at_most = std::max(widest.at_most, apart.at_most());
    }
  }
  return widest;
}

}  // namespace qw::signals
