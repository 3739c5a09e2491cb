#include "probes/signals/elections.hpp"

#include <algorithm>
#include <chrono>
#include <ranges>

namespace qw::signals {
namespace {

// Lineages and elections are bounded, whatever the network says.
constexpr std::size_t kMostLines = 8;
constexpr std::size_t kMostRecent = 4096;
constexpr Nanoseconds kLongestWindow = std::chrono::minutes(15);

// A member that leads or has a leader.
bool is_well(const Member& member) {
  return member.claims() || (member.denies() && member.said.follows);
}

// Remembers when the leader was asked and said so. An answer that took long may come from a process that was
// stopped until just then, and so does not say that it was well.
void note_claim(std::optional<SteadyTime>& claimed, const Member* leader, const Traits& traits) {
  if (!leader || !leader->claims()) return;
  const auto& asked = leader->said.asked;
  const bool at_once = asked.received - asked.sent <= traits.failure_detection / 10;
  claimed = at_once ? std::optional(asked.sent) : std::nullopt;
}

}  // namespace

void Elections::begin() {
  found_.clear();
  for (auto& line : lines_) {
    line.heard = 0;
    line.fresh = false;
  }
}

void Elections::hear(Member& member) {
  note_evidence(member);
  if (const auto epoch = member.said.tenure.epoch) {
    watch_regression(member, *epoch);
    watch_line(member, *epoch);
  }
}

void Elections::miss(const Member& member) {
  if (is_holder(member)) {
    seen_.lost_leader = true;
  } else if (member.well && member.may_lead()) {
    seen_.lost_member = true;
  }
}

void Elections::count(Roster& roster, const Traits& traits, SteadyTime now) {
  unsigned elected = 0;
  for (auto& line : lines_) elected += count_epochs(line, roster, traits);
  if (lines_.empty()) elected = count_tenures(roster, traits);

  if (elected > 0 || is_quiet(roster)) {
    before_ = elected > 0 ? Evidence{} : seen_;
    seen_ = {};
    for (auto& member : roster.members()) member.well = is_well(member);
  }
  std::erase_if(recent_, [now](const Held& held) { return held.at + kLongestWindow <= now; });
  if (elected > 0 && recent_.size() < kMostRecent) recent_.push_back({now, elected});
}

std::uint64_t Elections::recent(Nanoseconds window, SteadyTime now) const {
  std::uint64_t sum = 0;
  for (const auto& held : recent_) {
    if (held.at + window > now) sum += held.elections;
  }
  return sum;
}

std::optional<std::uint64_t> Elections::newest_epoch() const {
  const auto spoken = std::ranges::max_element(lines_, {}, &Line::heard);
  if (spoken == lines_.end() || spoken->heard == 0) return std::nullopt;
  return spoken->epoch;
}

void Elections::watch_regression(Member& member, std::uint64_t epoch) {
  const auto& lineage = member.said.tenure.lineage;
  if (member.epoch && member.lineage == lineage && epoch < *member.epoch) ++regressions_;
  member.epoch = epoch;
  if (member.lineage != lineage) member.lineage = lineage;
}

void Elections::watch_line(const Member& member, std::uint64_t epoch) {
  const auto& lineage = member.said.tenure.lineage;
  const auto* leader = member.names();
  auto line = std::ranges::find(lines_, lineage, &Line::lineage);
  if (line == lines_.end()) {
    if (!leader) return;  // a candidate's epoch is no base
    if (lines_.size() == kMostLines) lines_.erase(std::ranges::min_element(lines_, {}, &Line::heard));
    line = lines_.insert(lines_.end(), {.lineage = lineage, .holder = {}, .claimed = {}});
  }
  ++line->heard;
  if (!leader || epoch < line->epoch) return;
  if (line->fresh) {
    line->epoch = epoch;
    line->holder = *leader;
  } else if (epoch > line->epoch) {
    const auto same = [&](const Found& found) { return found.epoch == epoch && found.lineage == lineage; };
    if (std::ranges::none_of(found_, same)) found_.push_back({lineage, epoch, *leader});
  }
}

void Elections::note_evidence(const Member& member) {
  const auto& said = member.said;
  seen_.handing_over |= said.handing_over;
  if (!member.well || !(said.votes || said.may_lead)) return;
  seen_.without_leader |= said.campaigning || (said.claim == Claim::not_leader && !said.follows);
}

bool Elections::is_holder(const Member& member) const {
  if (sole_ && lines_.empty()) return sole_->holder == member.name;
  return std::ranges::find(lines_, member.name, &Line::holder) != lines_.end();
}

unsigned Elections::count_epochs(Line& line, const Roster& roster, const Traits& traits) {
  const Found* newest = nullptr;
  unsigned elected = 0;
  for (const auto& found : found_) {
    if (found.lineage != line.lineage) continue;
    ++elected;
    if (!newest || found.epoch > newest->epoch) newest = &found;
  }
  if (newest) {
    const Change change{.from = line.holder,
                        .to = newest->holder,
                        .epoch = newest->epoch,
                        .claimed = line.claimed,
                        .rise = newest->epoch - line.epoch};
    totals_[explain(change, roster, traits)] += elected;
    totals_[failed] += change.rise - elected;
    line.epoch = newest->epoch;
    line.holder = newest->holder;
    line.claimed.reset();
  }
  note_claim(line.claimed, roster.find(line.holder), traits);
  return elected;
}

unsigned Elections::count_tenures(const Roster& roster, const Traits& traits) {
  const auto& members = roster.members();
  if (std::ranges::count_if(members, &Member::claims) != 1) return 0;
  const auto& leader = *std::ranges::find_if(members, &Member::claims);
  unsigned elected = 0;
  if (!sole_ || sole_->holder != leader.name || contradict(sole_->tenure, leader.said.tenure)) {
    if (sole_) {
      const Change change{
          .from = sole_->holder, .to = leader.name, .epoch = std::nullopt, .claimed = sole_->claimed};
      ++totals_[explain(change, roster, traits)];
      elected = 1;
    }
    sole_ = Sole{leader.name, leader.said.tenure, std::nullopt};
  }
  note_claim(sole_->claimed, &leader, traits);
  return elected;
}

// The old leader was well when we last asked it and follows its successor now, all in less time than the
// system takes to notice a failure: nobody failed, it was told to hand over. (Short of this, a partition that
// began before and healed at once could look the same if no look met a member without a leader.)
Elections::Cause Elections::explain(const Change& change, const Roster& roster, const Traits& traits) const {
  const auto evidence = seen_ | before_;
  if (evidence.handing_over) return planned;

  const auto* old = roster.find(change.from);
  const bool follows =
      old && old->denies() && old->said.follows &&
      (old->said.tenure.epoch ? old->said.tenure.epoch == change.epoch : *old->said.follows == change.to);
  const bool quick =
      follows && change.claimed && old->said.asked.received - *change.claimed <= traits.failure_detection;
  const bool failing = evidence.lost_leader || evidence.without_leader || change.rise > 1;
  if (quick && change.rise == 1) return failing || evidence.lost_member ? unknown : planned;
  return failing ? unplanned : unknown;
}

// Somebody leads in the newest epoch that we know.
bool Elections::is_quiet(const Roster& roster) const {
  return std::ranges::any_of(roster.members(), [this](const Member& member) {
    if (!member.claims()) return false;
    const auto& epoch = member.said.tenure.epoch;
    return !epoch || std::ranges::find(lines_, *epoch, &Line::epoch) != lines_.end();
  });
}

Elections::Evidence Elections::Evidence::operator|(const Evidence& other) const {
  return {.handing_over = handing_over || other.handing_over,
          .lost_leader = lost_leader || other.lost_leader,
          .lost_member = lost_member || other.lost_member,
          .without_leader = without_leader || other.without_leader};
}

}  // namespace qw::signals
