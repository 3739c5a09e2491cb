#include "probes/signals/consumer_status.hpp"

#include <algorithm>

namespace qw::signals {
namespace {

// A commit that is late by less is only late.
Nanoseconds patience(const ConsumerEvidence& e) {
  return std::min(e.window, e.usual_gap * 3 / 2 + e.interval);
}

// Between two commits the lag grows although all is read; beyond this it is more than that.
Nanoseconds usual_lag(const ConsumerEvidence& e) {
  return e.usual_gap * 5 / 4 + e.interval * 3 / 2;
}

ConsumerStatus judge_waiting(const ConsumerEvidence& e) {
  using enum ConsumerStatus;
  const bool long_behind = e.lag_age >= e.window;
  if (e.looks < 2) {
    if (!long_behind) return ok;
    return e.members_known && !e.has_members ? stopped : unknown;
  }
  if (e.open_transaction && (!e.members_known || e.has_members)) return blocked;
  if (e.perhaps_a_mark) return ok;
  const bool abandoned = e.members_known && (!e.has_members || !e.assigned);
  if (abandoned) {
    // Without members somebody may commit all the same, at a pace of its own.
    const auto enough = e.commits_without_members ? e.window : e.has_members ? patience(e) : Nanoseconds{};
    if (e.frozen_looks >= 1 && e.frozen >= enough) return stopped;
    if (!e.commits_without_members && !e.has_members) return ok;
  } else if (e.frozen_looks >= 2 && e.frozen >= patience(e)) {
    return stalled;
  }
  if (e.lag_age <= usual_lag(e)) return ok;
  if (e.growing_looks >= 2) return slow;
  return e.not_shrinking && e.lag_age > 2 * usual_lag(e) ? slow : ok;
}

}  // namespace

ConsumerStatus judge(const ConsumerEvidence& e) {
  using enum ConsumerStatus;
  if (e.recreated) return recreated;
  if (e.leaderless) return leaderless;
  if (!e.end_known) return unknown;
  if (e.beyond_end) return truncated;
  if (e.lost) return lossy;
  if (e.rebalancing) return rebalancing;
  if (e.rewound) return rewound;
  return e.lag == 0 ? ok : judge_waiting(e);
}

}  // namespace qw::signals
