#include "probes/signals/standing.hpp"

#include <algorithm>
#include <utility>

namespace qw::signals {
namespace {

bool says_yes_or_no(const Member& member) {
  return member.claims() || member.denies();
}

// Without an epoch, the tenure that began last is the newest.
bool is_newer(const Member& a, const Member& b) {
  const auto& one = a.said.tenure.epoch;
  const auto& other = b.said.tenure.epoch;
  if (one && other && *one != *other) return *one > *other;
  return a.reign->first.sent > b.reign->first.sent;
}

const Member* newest_claimant(const Roster& roster) {
  const Member* newest = nullptr;
  for (const auto& member : roster.members()) {
    if (member.claims() && (!newest || is_newer(member, *newest))) newest = &member;
  }
  return newest;
}

// By the leader's own configuration, else by the one that most members have, else by those that we know to
// vote.
unsigned count_voters(const Roster& roster, const Member* leader) {
  const auto& members = roster.members();
  if (leader && leader->voters > 0) return leader->voters;
  std::pair<std::ptrdiff_t, unsigned> most{0, 0};
  for (const auto& member : members) {
    if (!member.answered || member.voters == 0) continue;
    const auto agreeing = std::ranges::count_if(
        members, [&](const Member& other) { return other.answered && other.voters == member.voters; });
    most = std::max(most, {agreeing, member.voters});
  }
  if (most.first > 0) return most.second;
  return static_cast<unsigned>(
      std::ranges::count_if(members, [](const Member& m) { return m.looks > 0 && m.votes(); }));
}

// Whom a majority of the voters follows although it said nothing itself in this round. A witness names its
// leader whether that lives or not; only those that could lead themselves follow one that they hear from.
const std::string* find_followed(const Roster& roster, unsigned voters) {
  const auto& members = roster.members();
  for (const auto& member : members) {
    const auto* name = member.votes() && member.may_lead() ? member.names() : nullptr;
    if (!name) continue;
    const auto votes = std::ranges::count_if(members, [&](const Member& other) {
      return other.votes() && other.names() && *other.names() == *name;
    });
    if (std::cmp_less(votes, majority(voters))) continue;
    const auto* named = roster.find(*name);
    return named && named->denies() ? nullptr : name;
  }
  return nullptr;
}

unsigned count_responsive(const Roster& roster, const std::string* leader) {
  unsigned count = 0;
  for (const auto& member : roster.members()) {
    if (!member.answered || !member.votes()) continue;
    const bool witness = !member.said.may_lead;
    const auto* named = member.names();
    // While nobody leads, any voter that answers may still elect.
    if (!leader || witness || (named && *named == *leader)) ++count;
  }
  return count;
}

unsigned count_reticent(const Roster& roster) {
  return static_cast<unsigned>(std::ranges::count_if(roster.members(), [](const Member& member) {
    return member.votes() && member.denies() && !member.said.names_leader;
  }));
}

// Nobody leads when everybody that could says no, and nobody names a member that has not spoken; or when a
// majority of the voters has no leader, as nobody can lead without them. Anything less leaves room for a
// leader that we can not see.
bool nobody_leads(const Roster& roster, unsigned voters) {
  const auto& members = roster.members();
  unsigned leaderless = 0;
  bool all_deny = true;
  bool any_denies = false;
  for (const auto& member : members) {
    if (member.looks == 0) continue;
    if (member.may_lead()) {
      // One that does not tell may follow somebody whom we do not know.
      all_deny &= member.denies() && member.said.names_leader;
      any_denies |= member.denies();
    }
    if (member.votes() && member.denies() && member.said.names_leader && !member.said.follows) ++leaderless;
    const auto* named = member.answered && member.said.follows ? roster.find(*member.said.follows) : nullptr;
    if (member.names() && (!named || !named->denies())) all_deny = false;
  }
  return (all_deny && any_denies) || (voters > 0 && leaderless >= majority(voters));
}

// Members that name a leader in the newest epoch in which any is named; members without an epoch count where
// nobody has one.
std::optional<unsigned> count_views(const Roster& roster) {
  const auto& members = roster.members();
  std::optional<std::uint64_t> newest;
  for (const auto& member : members) {
    if (member.names()) newest = std::max(newest, member.said.tenure.epoch);
  }
  unsigned views = 0;
  bool answered = false;
  for (auto member = members.begin(); member != members.end(); ++member) {
    answered |= says_yes_or_no(*member);
    const auto* name = member->names();
    if (!name || member->said.tenure.epoch != newest) continue;
    const bool repeated = std::any_of(members.begin(), member, [&](const Member& earlier) {
      return earlier.names() && earlier.said.tenure.epoch == newest && *earlier.names() == *name;
    });
    if (!repeated) ++views;
  }
  return answered ? std::optional(views) : std::nullopt;
}

std::optional<unsigned> count_leaders(const Roster& roster, unsigned voters) {
  constexpr std::size_t kMostCompared = 64;
  const Reign* reigns[kMostCompared];
  std::size_t count = 0;
  for (const auto& member : roster.members()) {
    const bool now = member.reign && member.looks > 0 && member.reign->last.sent >= roster.round_began();
    if (now && count < kMostCompared) reigns[count++] = &*member.reign;
  }
  if (count > 0) return most_at_once({reigns, count}, roster.round_began());
  return nobody_leads(roster, voters) ? std::optional(0U) : std::nullopt;
}

}  // namespace

std::optional<int> Standing::failures_tolerated() const {
  if (reticent > 0) return std::nullopt;
  return static_cast<int>(responsive) - static_cast<int>(majority(voters));
}

Standing find_standing(const Roster& roster) {
  Standing out;
  out.anybody = std::ranges::any_of(roster.members(), says_yes_or_no);
  out.leader = newest_claimant(roster);
  out.voters = count_voters(roster, out.leader);
  const auto* followed = out.leader ? &out.leader->name : find_followed(roster, out.voters);
  out.led = followed != nullptr;
  out.leaders = count_leaders(roster, out.voters);
  out.views = count_views(roster);
  out.responsive = count_responsive(roster, followed);
  // Without a leader every voter that answers counts, whatever it tells.
  if (followed) out.reticent = count_reticent(roster);
  return out;
}

unsigned support(const Member& leader, const Roster& roster) {
  const auto& epoch = leader.said.tenure.epoch;
  return static_cast<unsigned>(std::ranges::count_if(roster.members(), [&](const Member& member) {
    const auto* name = member.names();
    if (!name || !member.votes() || *name != leader.name) return false;
    return !epoch || !member.said.tenure.epoch || member.said.tenure.epoch == epoch;
  }));
}

}  // namespace qw::signals
