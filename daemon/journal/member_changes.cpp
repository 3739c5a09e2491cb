#include <map>
#include <set>

#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/finders.hpp"

namespace qw::journal {

void find_silent_members(const Round& round, Findings& out) {
  // A member may have been asked twice in a round.
  std::set<std::string> silent;
  for (const auto& one : round.facts.unanswered) {
    const auto member = subject_of(one.member);
    if (!silent.insert(member).second) continue;
    out.holds({.kind = Kind::target,
               .severity = Severity::warning,
               .what = "member_silent",
               .subject = member,
               .text = "it does not answer: " + sanitize(one.error.message(), kMaxText),
               .evidence = {{"reason", std::string(name(one.error.kind()))}}});
  }
  out.fine_except(Kind::target, "member_silent", silent, "it answers again");
}

}  // namespace qw::journal
