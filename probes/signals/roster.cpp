#include "probes/signals/roster.hpp"

#include <algorithm>

namespace qw::signals {

const std::string* Member::names() const {
  if (claims()) return &name;
  return answered && said.follows ? &*said.follows : nullptr;
}

const Reign* Member::find_reign(std::uint64_t number) const {
  if (reign && reign->number == number) return &*reign;
  return previous && previous->number == number ? &*previous : nullptr;
}

void Roster::begin() {
  if (members_.size() > kMostRemembered)
    std::erase_if(members_, [](const Member& m) { return m.looks == 0; });
  for (auto& member : members_) {
    member.answered = false;
    member.looks = 0;
  }
  next_ = 0;
  round_began_.reset();
}

Member* Roster::hear(const LeadershipClaim& claim, Nanoseconds patience) {
  auto& member = look_up(claim.member);
  if (member.known && claim.asked.sent < member.said.asked.sent) return nullptr;
  note_question(member, claim.asked);
  member.answered = true;
  member.known = true;
  member.said = claim;
  if (claim.claim == Claim::leader) {
    rule(member, claim, patience);
  } else if (claim.claim == Claim::not_leader) {
    if (member.reign && !member.reign->ended()) member.reign->not_after = claim.asked.received;
    member.not_leading = claim.asked.sent;
  }
  return &member;
}

Member& Roster::miss(const Unanswered& unanswered) {
  auto& member = look_up(unanswered.member);
  note_question(member, unanswered.asked);
  member.answered = false;
  return member;
}

void Roster::hear(const Membership& membership) {
  look_up(membership.member).voters = membership.voters;
}

void Roster::keep_only(const MemberNames& members) {
  std::erase_if(members_, [&](const Member& member) { return !members.contains(member.name); });
  next_ = 0;
}

const Member* Roster::find(std::string_view name) const {
  const auto found = std::ranges::find(members_, name, &Member::name);
  return found != members_.end() ? &*found : nullptr;
}

Member& Roster::look_up(std::string_view name) {
  for (std::size_t tried = 0; tried < members_.size(); ++tried, ++next_) {
    if (next_ >= members_.size()) next_ = 0;
    if (members_[next_].name == name) return members_[next_++];
  }
  next_ = 0;
  members_.emplace_back().name = name;
  return members_.back();
}

void Roster::note_question(Member& member, const Asked& asked) {
  ++member.looks;
  if (!round_began_ || asked.sent < *round_began_) round_began_ = asked.sent;
}

// The member leads: its reign goes on, or another one begins.
void Roster::rule(Member& member, const LeadershipClaim& claim, Nanoseconds patience) {
  if (member.reign && member.reign->continues_with(claim, patience)) {
    member.reign->last = claim.asked;
    return;
  }
  auto not_before = member.not_leading;
  if (member.reign && !member.reign->ended()) {
    if (contradict(member.reign->tenure, claim.tenure)) {
      member.reign->not_after = claim.asked.received;
      not_before = member.reign->last.sent;
    } else {
      not_before = member.reign->not_before;  // it may have been this reign all along
    }
  }
  member.previous = std::move(member.reign);
  member.reign = Reign{.number = ++reigns_,
                       .tenure = claim.tenure,
                       .first = claim.asked,
                       .last = claim.asked,
                       .not_before = not_before,
                       .not_after = std::nullopt};
}

}  // namespace qw::signals
