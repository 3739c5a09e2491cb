#include "probes/signals/clock_samples.hpp"

#include <array>

#include "probes/signals/clock.hpp"

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kOffset{"quorumwatch_clock_offset_seconds", gauge,
                               "How far the member's clock is ahead of ours, give or take "
                               "quorumwatch_clock_bound_seconds; source \"all\" "
                               "is what most sources allow.",
                               "member source"};
constexpr MetricFamily kBound{"quorumwatch_clock_bound_seconds", gauge,
                              "Half the width of the interval that holds the offset of the member's clock.",
                              "member source"};
constexpr MetricFamily kState{
    "quorumwatch_clock_state", gauge,
    "Whether the member's clock is proved to be further from ours than quorumwatch_clock_limit_seconds "
    "(proved_skewed), proved to be within it (proved_in_sync), or neither (cannot_prove, also of a silent "
    "member).",
    "member state"};
constexpr MetricFamily kLimit{"quorumwatch_clock_limit_seconds", gauge,
                              "From which offset on the system is hurt, by its profile; the states go by the "
                              "critical one, or by the warning where there is no other.",
                              "profile severity"};
constexpr MetricFamily kSkew{
    "quorumwatch_clock_skew_seconds", gauge,
    "The largest difference of any two members' clocks: at least lower, at most upper.", "bound"};
constexpr MetricFamily kSkewState{
    "quorumwatch_clock_skew_state", gauge,
    "Whether some two members' clocks are proved to be further apart than the limit, all proved to be within "
    "it, or neither.",
    "state"};
constexpr MetricFamily kOutlier{
    "quorumwatch_clock_outlier", gauge,
    "Whether the member's clock is proved to be out of step with every majority of the members; absent when "
    "there are fewer than three, or no majority agrees.",
    "member"};
constexpr MetricFamily kOwnOutlier{
    "quorumwatch_clock_own_outlier", gauge,
    "Whether it is our own clock that is proved to be out of step with every majority of the members.", ""};
constexpr MetricFamily kFalsetickers{"quorumwatch_clock_falsetickers", gauge,
                                     "Sources of the member's clock that contradict the others.", "member"};
constexpr MetricFamily kSteps{"quorumwatch_clock_steps_total", counter,
                              "How often the member's clock was set; steps of our own are not among them.",
                              "member direction"};
constexpr MetricFamily kSlewing{
    "quorumwatch_clock_slewing", gauge,
    "Whether the member's clock runs so much faster or slower than ours that it must be slewed.", "member"};

constexpr MetricFamily kClaimedOffset{
    "quorumwatch_clock_claimed_offset_seconds", gauge,
    "How far the member's clock is ahead of true time, as it says itself; a clock that is wrong may claim "
    "anything.",
    "member source"};
constexpr MetricFamily kClaimedBound{"quorumwatch_clock_claimed_bound_seconds", gauge,
                                     "The error that the member itself gives its claim.", "member source"};
constexpr MetricFamily kSynchronised{"quorumwatch_clock_synchronised", gauge,
                                     "Whether the member says that its clock is synchronised.",
                                     "member source"};
constexpr MetricFamily kLeap{"quorumwatch_clock_leap_pending", gauge,
                             "Whether the member announces a leap second: 1 inserted, -1 deleted, 0 none.",
                             "member source"};
constexpr MetricFamily kStratum{"quorumwatch_clock_stratum", gauge,
                                "How many servers are between the member and a reference clock, as it says.",
                                "member source"};
constexpr MetricFamily kFrequency{
    "quorumwatch_clock_frequency_error_ratio", gauge,
    "By which part the member's oscillator runs fast, as it says (1e-6 is 1 ppm).", "member source"};

constexpr MetricFamily kOwnSteps{"quorumwatch_clock_own_steps_total", counter,
                                 "How often the clock of this machine was set.", "direction"};
constexpr MetricFamily kSuspended{"quorumwatch_clock_suspended_seconds_total", counter,
                                  "How long this machine was suspended since the first round.", ""};

constexpr const MetricFamily* kFamilies[] = {
    &kOffset,     &kBound,        &kState,     &kLimit,    &kSkew,          &kSkewState,    &kOutlier,
    &kOwnOutlier, &kFalsetickers, &kSteps,     &kSlewing,  &kClaimedOffset, &kClaimedBound, &kSynchronised,
    &kLeap,       &kStratum,      &kFrequency, &kOwnSteps, &kSuspended};

constexpr std::string_view kSkewed = "proved_skewed", kInSync = "proved_in_sync", kNeither = "cannot_prove";
constexpr std::array kStates{kSkewed, kInSync, kNeither};

std::string_view state_of(Nanoseconds at_least, Nanoseconds at_most, Nanoseconds limit) {
  if (at_least > limit) return kSkewed;
  return at_most <= limit ? kInSync : kNeither;
}

void add_offset(std::string_view member, std::string_view source, const ClockInterval& offset, Samples& out) {
  out.add(kOffset, seconds(offset.middle()), {{"member", member}, {"source", source}});
  out.add(kBound, seconds(offset.half()), {{"member", member}, {"source", source}});
}

void add_member(const ClockOfMember& clock, const ClockProfile& profile, Samples& out) {
  std::string_view state = kNeither;
  if (clock.verdict) {
    const auto& [offset, falsetickers] = *clock.verdict;
    state = state_of(offset.at_least(), offset.at_most(), profile.limit());
    add_offset(clock.member, "all", offset, out);
    out.add(kFalsetickers, static_cast<double>(falsetickers), {{"member", clock.member}});
  }
  for (const auto& [source, offset] : clock.sources) add_offset(clock.member, source, offset, out);
  for (const auto one : kStates) {
    out.add(kState, one == state ? 1 : 0, {{"member", clock.member}, {"state", one}});
  }
  const std::initializer_list<std::pair<std::string_view, std::uint64_t>> steps{
      {"forward", clock.steps_forward}, {"backward", clock.steps_backward}};
  for (const auto& [direction, count] : steps) {
    out.add(kSteps, static_cast<double>(count), {{"member", clock.member}, {"direction", direction}});
  }
  out.add(kSlewing, clock.slewing ? 1 : 0, {{"member", clock.member}});
}

void add_skew(std::span<const ClockInterval> offsets, bool all_seen, Nanoseconds limit, Samples& out) {
  const auto apart = spread(offsets);
  if (!apart) return;
  out.add(kSkew, seconds(apart->at_least), {{"bound", "lower"}});
  out.add(kSkew, seconds(apart->at_most), {{"bound", "upper"}});
  auto state = state_of(apart->at_least, apart->at_most, limit);
  if (state == kInSync && !all_seen) state = kNeither;
  for (const auto one : kStates) out.add(kSkewState, one == state ? 1 : 0, {{"state", one}});
}

/// With two clocks nobody can tell which is wrong; when they agree, they can tell that ours is.
void add_blame(std::span<const ClockOfMember> members, std::span<const ClockInterval> offsets,
               Nanoseconds limit, Samples& out) {
  if (offsets.size() < 2) return;
  const ClockCourt court(offsets, limit);
  if (!court.agreed()) return;
  out.add(kOwnOutlier, court.guilty({}) ? 1 : 0);
  if (offsets.size() < 3) return;
  for (const auto& clock : members) {
    if (!clock.verdict) continue;
    out.add(kOutlier, court.guilty(clock.verdict->offset) ? 1 : 0, {{"member", clock.member}});
  }
}

}  // namespace

void add_clock_samples(std::span<const ClockOfMember> members, const ClockProfile& profile, Samples& out) {
  if (members.empty()) return;
  out.add(kLimit, seconds(profile.warning), {{"profile", profile.name}, {"severity", "warning"}});
  if (profile.critical) {
    out.add(kLimit, seconds(*profile.critical), {{"profile", profile.name}, {"severity", "critical"}});
  }
  std::vector<ClockInterval> offsets;
  for (const auto& clock : members) {
    add_member(clock, profile, out);
    if (clock.verdict) offsets.push_back(clock.verdict->offset);
  }
  add_skew(offsets, offsets.size() == members.size(), profile.limit(), out);
  add_blame(members, offsets, profile.limit(), out);
}

void add_claim_samples(const ClockState& claim, Samples& out) {
  const std::array<Samples::Label, 2> labels{{{"member", claim.member}, {"source", claim.source}}};
  const auto add = [&](const MetricFamily& family, double value) { out.add(family, value, labels); };
  if (claim.offset) add(kClaimedOffset, seconds(*claim.offset));
  if (claim.bound) add(kClaimedBound, seconds(*claim.bound));
  if (claim.synchronised) add(kSynchronised, *claim.synchronised ? 1 : 0);
  if (claim.leap) add(kLeap, *claim.leap);
  if (claim.stratum) add(kStratum, *claim.stratum);
  if (claim.frequency_error) add(kFrequency, *claim.frequency_error);
}

void add_own_clock_samples(const OwnClock& own, Samples& out) {
  out.add(kOwnSteps, static_cast<double>(own.steps_forward()), {{"direction", "forward"}});
  out.add(kOwnSteps, static_cast<double>(own.steps_backward()), {{"direction", "backward"}});
  out.add(kSuspended, seconds(own.suspended()));
}

std::span<const MetricFamily* const> Clocks::families() {
  return kFamilies;
}

}  // namespace qw::signals
