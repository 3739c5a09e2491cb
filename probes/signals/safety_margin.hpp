#pragma once
#include <optional>
#include <set>
#include <span>
#include <string>

#include "daemon/model/facts.hpp"
#include "probes/signals/round_trip.hpp"

namespace qw::signals {

/// How far the time-outs of a consensus protocol are above the round trips that it runs over: the flap is
/// foreseen before it happens. An election time-out should be ten round trips or more; with heartbeats that
/// come less apart than a round trip takes, one lost packet looks like a dead leader.
class SafetyMargin {
 public:
  void begin();
  void observe(const Facts& facts);
  /// Only where the target tells its time-outs, and only for members that take part in the protocol, as they
  /// say who leads. `tails`: of the round trips of this round.
  void report(std::span<const RecentTail> tails, Samples& out) const;

  static std::span<const MetricFamily* const> families();

 private:
  std::optional<Nanoseconds> election_timeout_, heartbeat_interval_;
  std::set<std::string, std::less<>> members_;  ///< that claimed anything in this round
};

}  // namespace qw::signals
