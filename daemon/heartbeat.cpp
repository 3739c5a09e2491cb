#include "daemon/heartbeat.hpp"

#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "daemon/schedule/scheduler.hpp"

namespace qw {
namespace {

constexpr Nanoseconds kInterval = std::chrono::seconds(1);
/// The two clocks are read one after the other: when more than this passed in between, the pair says nothing.
constexpr Nanoseconds kMaxReading = std::chrono::milliseconds(5);

void look_for_jump(const Clock& clock, exporting::SelfMetrics& self, JumpFinder& finder) {
  const auto before = clock.steady();
  const auto wall = clock.wall();
  if (clock.steady() - before > kMaxReading) return;
  const auto jump = finder.observe(before, wall);
  if (!jump) return;
  self.wall_clock_jumped(*jump);
  log::warning("the wall clock jumped", {{"by_seconds", fmt::format("{:.3f}", seconds(*jump))}});
}

}  // namespace

std::optional<Nanoseconds> JumpFinder::observe(SteadyTime steady, WallTime wall) {
  const Nanoseconds offset = wall.time_since_epoch() - steady.time_since_epoch();
  const auto before = std::exchange(offset_, offset);
  if (!before) return std::nullopt;
  const auto moved = offset - *before;
  if (moved < kThreshold && moved > -kThreshold) return std::nullopt;
  return moved;
}

Task<void> heartbeat(const Clock& clock, exporting::SelfMetrics& self) {
  JumpFinder finder;
  auto due = clock.steady() + kInterval;
  while (true) {
    const bool awake = co_await async::sleep_until(due);
    if (!awake) co_return;
    const auto now = clock.steady();
    self.loop_lag(now - due);
    look_for_jump(clock, self, finder);
    std::uint64_t missed = 0;
    due = schedule::next_due(due, now, kInterval, missed);
  }
}

}  // namespace qw
