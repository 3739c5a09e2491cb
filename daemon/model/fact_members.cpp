#include "daemon/model/fact_members.hpp"

namespace qw {

MemberNames members_in(const Facts& facts) {
  MemberNames out;
  const auto add = [&out](const auto& list) {
    for (const auto& one : list) {
      // They mostly come member by member.
      if (!out.contains(one.member)) out.insert(one.member);
    }
  };
  add(facts.claims);
  add(facts.memberships);
  add(facts.positions);
  add(facts.round_trips);
  add(facts.trains);
  add(facts.clocks);
  add(facts.clock_states);
  add(facts.unanswered);
  return out;
}

}  // namespace qw
