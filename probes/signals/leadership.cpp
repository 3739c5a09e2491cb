#include "probes/signals/leadership.hpp"

#include <algorithm>
#include <chrono>

#include "probes/signals/elections.hpp"
#include "probes/signals/roster.hpp"
#include "probes/signals/split_brain.hpp"
#include "probes/signals/standing.hpp"

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kLeaders{
    "quorumwatch_leaders", gauge,
    "Members proven to lead at the same instant; absent when it can not be known whether anybody leads.", ""};
constexpr MetricFamily kClaim{"quorumwatch_leader_claim", gauge,
                              "Whether the member says that it leads; absent when it does not say.",
                              "member"};
constexpr MetricFamily kEpoch{
    "quorumwatch_leader_epoch", gauge,
    "Newest epoch that is known to have had a leader, as far as a double carries it.", ""};
constexpr MetricFamily kElections{"quorumwatch_leader_elections_total", counter,
                                  "Elections by cause since the process started, from differences of epochs; "
                                  "failed: epochs in which nobody was seen to lead.",
                                  "cause"};
constexpr MetricFamily kRecent{"quorumwatch_leader_elections_recent", gauge,
                               "Elections that gave a leader within the window.", "window"};
constexpr MetricFamily kAbsent{"quorumwatch_leader_absent_seconds", gauge,
                               "Time since somebody was last known to lead, by its own claim or because a "
                               "majority of the voters follows it; absent when "
                               "nobody answers.",
                               ""};
constexpr MetricFamily kViews{
    "quorumwatch_leader_views", gauge,
    "How many different leaders the members name in the newest epoch; 1 is agreement, 0 is nobody.", ""};
constexpr MetricFamily kRegressions{"quorumwatch_leader_epoch_regressions_total", counter,
                                    "How often a member's epoch went backwards, which takes a restored "
                                    "backup, a wiped disk or another cluster.",
                                    ""};
constexpr MetricFamily kQuorumMembers{"quorumwatch_quorum_members", gauge,
                                      "Members with a vote, by the leader's own configuration.", ""};
constexpr MetricFamily kTolerated{
    "quorumwatch_quorum_failures_tolerated", gauge,
    "How many more voters may fail before the quorum is lost; negative: it is lost.", ""};
constexpr MetricFamily kTwoMembers{"quorumwatch_quorum_two_members", gauge,
                                   "Whether there are two voters, of which none may fail: worse than one.",
                                   ""};
constexpr MetricFamily kSplitBrain{"quorumwatch_split_brain", gauge,
                                   "Whether two members are proven to lead at once (fenced: the older can "
                                   "not commit; unfenced: both take writes), or "
                                   "members belong to different clusters (identity).",
                                   "kind"};
constexpr MetricFamily kOverlap{"quorumwatch_split_brain_overlap_seconds", gauge,
                                "How long the current or last overlap of two leaders lasted, at least and at "
                                "most; absent 15 minutes after it.",
                                "bound"};
constexpr MetricFamily kOverlaps{
    "quorumwatch_split_brain_overlaps_total", counter,
    "Proven overlaps of two leaders since the process started, by the worst that was known of each.", "kind"};
constexpr MetricFamily kDiverged{
    "quorumwatch_split_brain_diverged_bytes", gauge,
    "What the older of two leaders has written and the newer has not, in the current or last overlap.", ""};

constexpr const MetricFamily* kFamilies[] = {
    &kLeaders,       &kClaim,     &kEpoch,      &kElections,  &kRecent,  &kAbsent,   &kViews,   &kRegressions,
    &kQuorumMembers, &kTolerated, &kTwoMembers, &kSplitBrain, &kOverlap, &kOverlaps, &kDiverged};

}  // namespace

struct Leadership::State {
  Traits traits;
  Roster roster;
  Elections elections;
  SplitBrain split_brain;
  bool concerned = false;  ///< somebody has spoken of leading or of votes
  /// When somebody was last known to lead; before that is known, when the first question went out.
  std::optional<SteadyTime> last_led;

  void report_leader(const Standing& standing, SteadyTime now, Samples& out);
  void report_elections(SteadyTime now, Samples& out) const;
  void report_quorum(const Standing& standing, Samples& out) const;
  void report_split_brain(const Standing& standing, Samples& out) const;
};

Leadership::Leadership() : state_(std::make_unique<State>()) {}
Leadership::~Leadership() = default;
Leadership::Leadership(Leadership&&) noexcept = default;
Leadership& Leadership::operator=(Leadership&&) noexcept = default;

void Leadership::begin() {
  state_->roster.begin();
  state_->elections.begin();
}

void Leadership::observe(const Facts& facts) {
  auto& s = *state_;
  s.traits = facts.traits;
  s.concerned = s.concerned || !facts.claims.empty() || !facts.memberships.empty();
  for (const auto& claim : facts.claims) {
    if (auto* member = s.roster.hear(claim, s.traits.failure_detection)) s.elections.hear(*member);
  }
  for (const auto& membership : facts.memberships) s.roster.hear(membership);
  for (const auto& unanswered : facts.unanswered) s.elections.miss(s.roster.miss(unanswered));
}

void Leadership::keep_only(const MemberNames& members) {
  state_->roster.keep_only(members);
}

std::vector<std::string> Leadership::ask_again() const {
  return find_doubtful(state_->roster);
}

void Leadership::report(SteadyTime now, const Replication& replication, Samples& out) {
  auto& s = *state_;
  const auto standing = find_standing(s.roster);
  // Nobody of this target has ever said anything about leading: hosts and clocks have no leader to lose.
  if (!s.concerned) return;
  s.elections.count(s.roster, s.traits, now);
  s.split_brain.judge(s.roster, s.traits, replication, now);
  s.report_leader(standing, now, out);
  s.report_elections(now, out);
  s.report_quorum(standing, out);
  s.report_split_brain(standing, out);
}

void Leadership::State::report_leader(const Standing& standing, SteadyTime now, Samples& out) {
  if (standing.leaders) out.add(kLeaders, *standing.leaders);
  for (const auto& member : roster.members()) {
    if (!member.may_lead()) continue;
    if (member.claims() || member.denies())
      out.add(kClaim, member.claims() ? 1 : 0, {{"member", member.name}});
  }
  if (standing.views) out.add(kViews, *standing.views);

  if (!last_led || standing.led) last_led = roster.round_began();
  for (const auto& member : roster.members()) {
    if (member.reign) last_led = std::max(*last_led, member.reign->last.sent);
  }
  if (standing.anybody) out.add(kAbsent, standing.led ? 0 : seconds(now - *last_led));
}

void Leadership::State::report_elections(SteadyTime now, Samples& out) const {
  if (const auto epoch = elections.newest_epoch()) out.add(kEpoch, static_cast<double>(*epoch));
  for (const auto cause : {Elections::planned, Elections::unplanned, Elections::unknown, Elections::failed}) {
    out.add(kElections, static_cast<double>(elections.total(cause)), {{"cause", Elections::kCauses[cause]}});
  }
  out.add(kRecent, static_cast<double>(elections.recent(std::chrono::minutes(1), now)), {{"window", "1m"}});
  out.add(kRecent, static_cast<double>(elections.recent(std::chrono::minutes(15), now)), {{"window", "15m"}});
  out.add(kRegressions, static_cast<double>(elections.regressions()));
}

void Leadership::State::report_quorum(const Standing& standing, Samples& out) const {
  if (standing.voters == 0) return;
  out.add(kQuorumMembers, standing.voters);
  if (const auto tolerated = standing.failures_tolerated()) out.add(kTolerated, *tolerated);
  out.add(kTwoMembers, standing.voters == 2 ? 1 : 0);
}

void Leadership::State::report_split_brain(const Standing& standing, Samples& out) const {
  out.add(kOverlaps, static_cast<double>(split_brain.fenced_total()), {{"kind", "fenced"}});
  out.add(kOverlaps, static_cast<double>(split_brain.unfenced_total()), {{"kind", "unfenced"}});
  if (!standing.anybody) return;
  out.add(kSplitBrain, split_brain.fenced() ? 1 : 0, {{"kind", "fenced"}});
  out.add(kSplitBrain, split_brain.unfenced() ? 1 : 0, {{"kind", "unfenced"}});
  out.add(kSplitBrain, split_brain.identity() ? 1 : 0, {{"kind", "identity"}});

  const auto* overlap = split_brain.latest();
  if (!overlap) return;
  out.add(kOverlap, seconds(overlap->at_least), {{"bound", "lower"}});
  if (overlap->at_most) out.add(kOverlap, seconds(*overlap->at_most), {{"bound", "upper"}});
  if (overlap->diverged) out.add(kDiverged, static_cast<double>(*overlap->diverged));
}

std::span<const MetricFamily* const> Leadership::families() {
  return kFamilies;
}

}  // namespace qw::signals
