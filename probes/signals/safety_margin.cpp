#include "probes/signals/safety_margin.hpp"

#include <algorithm>

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kElectionTimeout{
    "quorumwatch_election_timeout_seconds", gauge,
    "How long the members wait for a leader before they elect another, as "
    "the target says or the configuration.",
    ""};
constexpr MetricFamily kElectionMargin{
    "quorumwatch_election_timeout_margin_ratio", gauge,
    "Election time-out over ten times the round trip to the member "
    "(quorumwatch_rtt_p99_seconds of this method): below 1 elections are to "
    "be expected without any failure.",
    "member method"};
constexpr MetricFamily kHeartbeat{"quorumwatch_heartbeat_interval_seconds", gauge,
                                  "How often the leader says that it is there, as the target says or the "
                                  "configuration.",
                                  ""};
constexpr MetricFamily kHeartbeatMargin{"quorumwatch_heartbeat_margin_ratio", gauge,
                                        "Heartbeat interval over the round trip to the member "
                                        "(quorumwatch_rtt_p99_seconds of this method).",
                                        "member method"};
constexpr const MetricFamily* kFamilies[] = {&kElectionTimeout, &kElectionMargin, &kHeartbeat,
                                             &kHeartbeatMargin};

/// What is recommended for raft as its implementations have it (etcd: tuning guide;
/// facts/network-and-clock.md section 5).
constexpr double kRoundTrips = 10;

double ratio(Nanoseconds time_out, Nanoseconds round_trip) {
  return seconds(time_out) / seconds(std::max(round_trip, Nanoseconds(1)));
}

}  // namespace

void SafetyMargin::begin() {
  election_timeout_.reset();
  heartbeat_interval_.reset();
  members_.clear();
}

void SafetyMargin::observe(const Facts& facts) {
  const auto& traits = facts.traits;
  if (traits.election_timeout) election_timeout_ = traits.election_timeout;
  if (traits.heartbeat_interval) heartbeat_interval_ = traits.heartbeat_interval;
  if (!election_timeout_ && !heartbeat_interval_) return;
  for (const auto& claim : facts.claims) members_.insert(claim.member);
}

void SafetyMargin::report(std::span<const RecentTail> tails, Samples& out) const {
  if (election_timeout_) out.add(kElectionTimeout, seconds(*election_timeout_));
  if (heartbeat_interval_) out.add(kHeartbeat, seconds(*heartbeat_interval_));
  for (const auto& tail : tails) {
    if (!members_.contains(tail.member)) continue;
    const auto add = [&](const MetricFamily& family, double value) {
      out.add(family, value, {{"member", tail.member}, {"method", tail.method}});
    };
    if (election_timeout_) add(kElectionMargin, ratio(*election_timeout_, tail.p99) / kRoundTrips);
    if (heartbeat_interval_) add(kHeartbeatMargin, ratio(*heartbeat_interval_, tail.p99));
  }
}

std::span<const MetricFamily* const> SafetyMargin::families() {
  return kFamilies;
}

}  // namespace qw::signals
