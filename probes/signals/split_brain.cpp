#include "probes/signals/split_brain.hpp"

#include <algorithm>
#include <tuple>

#include "probes/signals/standing.hpp"

namespace qw::signals {
namespace {

// The first look of a round, and two passes of second looks.
constexpr unsigned kMostLooks = 3;

bool strangers(const std::string& a, const std::string& b) {
  return !a.empty() && !b.empty() && a != b;
}

bool is_older(const Member& a, const Member& b) {
  const auto& one = a.reign->tenure.epoch;
  const auto& other = b.reign->tenure.epoch;
  if (one && other && *one != *other) return *one < *other;
  return a.reign->first.sent <= b.reign->first.sent;
}

bool doubtful(const Member& a, const Member& b, SteadyTime since) {
  const auto proof = last_proof(*a.reign, *b.reign);
  return !proof || *proof < since;
}

bool can_commit(const Member& leader, const Roster& roster) {
  return leader.claims() && leader.voters > 0 && support(leader, roster) >= majority(leader.voters);
}

// The members differ, the epoch does not: no election gives that (facts/leadership-and-replication.md section
// 4).
bool same_epoch(const Reign& a, const Reign& b) {
  return a.tenure.epoch && a.tenure.epoch == b.tenure.epoch;
}

}  // namespace

void SplitBrain::judge(const Roster& roster, const Traits& traits, const Replication& replication,
                       SteadyTime now) {
  count_strangers(roster);
  find_overlaps(roster, now);
  fenced_ = unfenced_ = false;
  for (auto& overlap : overlaps_) {
    const auto* older = roster.find(overlap.older);
    const auto* newer = roster.find(overlap.newer);
    const auto* one = older ? older->find_reign(overlap.older_reign) : nullptr;
    const auto* other = newer ? newer->find_reign(overlap.newer_reign) : nullptr;
    if (one && other) {
      overlap.proven_at = last_proof(*one, *other).value_or(overlap.proven_at);
      overlap.at_least = overlap_at_least(*one, *other);
      overlap.at_most = overlap_at_most(*one, *other, now);
    }
    const bool current = one && other && one == &*older->reign && other == &*newer->reign;
    overlap.over = !current || one->ended() || other->ended();
    if (overlap.over && overlap.proven_at < roster.round_began()) continue;

    weigh(overlap, roster, traits, replication);
    unfenced_ |= overlap.harmful;
    fenced_ |= !overlap.harmful && traits.fencing == Fencing::fenced;
  }
  std::erase_if(overlaps_, [now](const Overlap& overlap) { return overlap.proven_at + kRemembered <= now; });
}

// A second lineage must show in two rounds before it is believed.
void SplitBrain::count_strangers(const Roster& roster) {
  const std::string* first = nullptr;
  bool two = false;
  for (const auto& member : roster.members()) {
    const auto& lineage = member.said.tenure.lineage;
    if (!member.answered || lineage.empty()) continue;
    if (!first) first = &lineage;
    two |= lineage != *first;
  }
  if (two) {
    strange_rounds_ = std::min(strange_rounds_ + 1, kRoundsToBelieve);
  } else if (first) {
    strange_rounds_ = 0;
  }
}

void SplitBrain::find_overlaps(const Roster& roster, SteadyTime now) {
  const auto& members = roster.members();
  for (auto a = members.begin(); a != members.end(); ++a) {
    if (!a->reign || a->reign->last.received + kRemembered <= now) continue;
    for (auto b = std::next(a); b != members.end(); ++b) {
      // Leaders of two lineages lead two clusters: that is a matter of identity.
      if (!b->reign || strangers(a->reign->tenure.lineage, b->reign->tenure.lineage)) continue;
      const auto proof = last_proof(*a->reign, *b->reign);
      if (proof && *proof + kRemembered > now) note_overlap(*a, *b, *proof);
    }
  }
}

void SplitBrain::note_overlap(const Member& a, const Member& b, SteadyTime proven_at) {
  const auto& older = is_older(a, b) ? a : b;
  const auto& newer = is_older(a, b) ? b : a;
  const auto known = [&](const Overlap& overlap) {
    return overlap.older_reign == older.reign->number && overlap.newer_reign == newer.reign->number;
  };
  if (overlaps_.size() == kMostOverlaps || std::ranges::any_of(overlaps_, known)) return;
  overlaps_.push_back({.older = older.name,
                       .newer = newer.name,
                       .older_reign = older.reign->number,
                       .newer_reign = newer.reign->number,
                       .proven_at = proven_at,
                       .at_most = {},
                       .diverged = {}});
}

// A fenced system's second leader does harm when it could commit: it has a majority of the members that it
// counts itself (etcd --force-new-cluster), for longer than a change of members takes. An unfenced system's
// does when a write is on one side only, or when nothing has ended it for longer than a fail-over takes to
// settle.
void SplitBrain::weigh(Overlap& overlap, const Roster& roster, const Traits& traits,
                       const Replication& replication) {
  const auto& older = *roster.find(overlap.older);
  const auto& newer = *roster.find(overlap.newer);
  const bool lasting = overlap.at_least > traits.settling;
  bool harmful = false;
  if (traits.fencing == Fencing::fenced) {
    const auto* one = older.find_reign(overlap.older_reign);
    const auto* other = newer.find_reign(overlap.newer_reign);
    harmful = (one && other && same_epoch(*one, *other)) ||
              (lasting && can_commit(older, roster) && can_commit(newer, roster));
  } else {
    auto diverged = replication.diverged(older.name, newer.name);
    if (!diverged) diverged = replication.diverged(newer.name, older.name);
    if (diverged) overlap.diverged = diverged;
    harmful = lasting || diverged.value_or(0) > 0;
  }
  if (harmful && !overlap.harmful) ++unfenced_total_;
  if (!overlap.judged && !harmful && traits.fencing == Fencing::fenced) ++fenced_total_;
  overlap.judged = true;
  overlap.harmful |= harmful;
}

std::vector<std::string> find_doubtful(const Roster& roster) {
  std::vector<const Member*> asked;
  const auto& members = roster.members();
  for (const auto& member : members) {
    if (!member.claims() || member.looks >= kMostLooks) continue;
    const bool needed = std::ranges::any_of(members, [&](const Member& other) {
      return &other != &member && other.claims() && doubtful(member, other, roster.round_began());
    });
    if (needed) asked.push_back(&member);
  }
  std::ranges::sort(asked, {}, [](const Member* member) {
    return std::tuple(member->looks, member->reign->first.received, member);
  });
  std::vector<std::string> names;
  for (const auto* member : asked) names.push_back(member->name);
  return names;
}

}  // namespace qw::signals
