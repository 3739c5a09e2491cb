#include "daemon/change_log.hpp"

#include "daemon/base/duration.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/text.hpp"

namespace qw {
namespace {

/// Whole milliseconds say enough of how long something lasted.
std::string lasted(SteadyTime since, SteadyTime now) {
  return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(now - since));
}

}  // namespace

void ChangeLog::observe(const Round& round) {
  auto& state = targets_[round.target];
  if (!state.known || state.success != round.success) {
    const auto before = state.known ? lasted(state.since, round.finished) : std::string("unknown");
    if (!state.known && round.success) {
      log::info("target answers", {{"system", round.target.system}, {"target", round.target.name}});
    } else if (round.success) {
      log::info("target answers again",
                {{"system", round.target.system}, {"target", round.target.name}, {"silent_for", before}});
    } else {
      log::warning("target does not answer", {{"system", round.target.system},
                                              {"target", round.target.name},
                                              {"reason", sanitize(round.reason)},
                                              {"answered_for", before}});
    }
    state.known = true;
    state.success = round.success;
    state.since = round.finished;
  }
  // While nobody answers the target's own reason says all.
  if (round.success) observe_members(round, state);
}

void ChangeLog::forget_members(const TargetId& target, std::span<const std::string> members) {
  const auto state = targets_.find(target);
  if (state == targets_.end()) return;
  for (const auto& member : members) state->second.silent.erase(member);
}

void ChangeLog::observe_members(const Round& round, State& state) {
  std::map<std::string, const Unanswered*> silent;
  for (const auto& one : round.facts.unanswered) silent[one.member] = &one;
  std::erase_if(state.silent, [&](const auto& entry) {
    if (silent.contains(entry.first)) return false;
    log::info("member answers again", {{"system", round.target.system},
                                       {"target", round.target.name},
                                       {"member", sanitize(entry.first)},
                                       {"silent_for", lasted(entry.second, round.finished)}});
    return true;
  });
  for (const auto& [member, one] : silent) {
    if (!state.silent.emplace(member, round.finished).second) continue;
    log::warning("member does not answer", {{"system", round.target.system},
                                            {"target", round.target.name},
                                            {"member", sanitize(member)},
                                            {"reason", sanitize(one->error.message())}});
  }
}

}  // namespace qw
