#pragma once
#include <chrono>
#include <cstdint>

namespace qw {

using Nanoseconds = std::chrono::nanoseconds;

/// Our own monotonic clock: the only one that facts, signals and the scheduler compare.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Nanoseconds>;

/// Wall time since the Unix epoch; for people, for Prometheus and for clock readings, never for measuring a
/// duration.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Nanoseconds>;

constexpr double seconds(Nanoseconds d) {
  return std::chrono::duration<double>(d).count();
}
constexpr double seconds(WallTime t) {
  return seconds(t.time_since_epoch());
}

/// Where time comes from. Signals, rules and the store never see a Clock: they get times.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime steady() const = 0;
  virtual WallTime wall() const = 0;
};

/// The clocks of this machine.
class SystemClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};

}  // namespace qw
