#pragma once
#include <optional>

#include "daemon/async/task.hpp"
#include "daemon/base/time.hpp"
#include "daemon/export/self_metrics.hpp"

namespace qw {

/// Finds steps of the wall clock by holding it against the monotonic one. Pure.
class JumpFinder {
 public:
  /// What the wall clock moved by since the last call besides the time that passed; nothing below 50 ms
  /// (slewing is at most 0.5 ms in a second).
  std::optional<Nanoseconds> observe(SteadyTime steady, WallTime wall);

 private:
  static constexpr Nanoseconds kThreshold = std::chrono::milliseconds(50);
  std::optional<Nanoseconds> offset_;
};

/// Once a second: how late the loop is, and whether the wall clock jumped. Runs until it is cancelled.
Task<void> heartbeat(const Clock& clock, exporting::SelfMetrics& self);

}  // namespace qw
