#pragma once
#include <map>
#include <span>
#include <string>

#include "daemon/model/round.hpp"

namespace qw {

/// Logs what changes, once: a target or a member that stops answering, with the reason, and when it answers
/// again, with how long it was silent. Rounds that bring nothing new are not logged.
class ChangeLog {
 public:
  void observe(const Round& round);
  void forget(const TargetId& target) { targets_.erase(target); }
  /// They are members no more, and so will not answer again.
  void forget_members(const TargetId& target, std::span<const std::string> members);

 private:
  struct State {
    bool known = false;
    bool success = false;
    SteadyTime since;
    std::map<std::string, SteadyTime> silent;  ///< members, and since when
  };
  void observe_members(const Round& round, State& state);

  std::map<TargetId, State> targets_;
};

}  // namespace qw
