#pragma once
#include <optional>
#include <string_view>

#include "daemon/base/time.hpp"

namespace qw {

/// How far the parts are that the daemon can not do without.
struct Progress {
  SteadyTime loop{};  ///< when the loop last came by
  /// Since when the evaluator of rules is at its present piece of work; nothing: it rests.
  std::optional<SteadyTime> rules;
  /// Since when the saver of the state of alerts writes; nothing: it rests.
  std::optional<SteadyTime> state;
};

/// Decides when the service manager's watchdog is fed: a process that lives and does nothing must not be.
/// Pure.
class Watchdog {
 public:
  /// `period`: after so long without food the process is killed; zero: nobody watches, nobody is fed.
  explicit Watchdog(Nanoseconds period) : period_(period) {}

  bool watched() const { return period_ > Nanoseconds(0); }
  /// Whether to feed now: half of the period has passed since the last time, and every part gets on. The loop
  /// may be away for half of the period, one rule may take all of it, and a slow disk twice as long.
  bool feed(const Progress& progress, SteadyTime now);
  /// Which part kept the last call from feeding: "event loop", "rules" or "state of alerts"; empty: none.
  std::string_view stuck() const { return stuck_; }

 private:
  std::string_view stuck_part(const Progress& progress, SteadyTime now) const;

  Nanoseconds period_;
  std::optional<SteadyTime> fed_;
  std::string_view stuck_;
};

}  // namespace qw
