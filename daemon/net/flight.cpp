#include "daemon/net/flight.hpp"

#include <time.h>

#include <algorithm>

namespace qw::net {
namespace {

/// Three readings in a row take well under this; a longer one was interrupted.
constexpr Nanoseconds kGoodWidth = std::chrono::nanoseconds(600);
constexpr int kTries = 5;

/// CLOCK_REALTIME and CLOCK_MONOTONIC are slewed together, so they drift apart by a step alone.
constexpr Nanoseconds kStepFloor = std::chrono::microseconds(2);
/// Against the raw oscillator they may drift by what the kernel corrects, 500 ppm at most in ordinary service
/// (facts/network-and-clock.md 4).
constexpr Nanoseconds kSlewFloor = std::chrono::microseconds(100);
constexpr std::int64_t kSlewPpm = 600;
/// Stamps of different processors may disagree by this much.
constexpr Nanoseconds kStampNoise = std::chrono::microseconds(1);

Nanoseconds now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Nanoseconds distance(Nanoseconds a, Nanoseconds b) {
  return a > b ? a - b : b - a;
}

bool clock_was_set(const Instant& from, const Instant& to) {
  const auto wall = to.wall - from.wall;
  const auto steady = to.steady - from.steady;
  const auto raw = to.raw - from.raw;
  const auto widths = from.width + to.width;
  if (distance(wall, steady) > kStepFloor + widths) return true;
  return distance(wall, raw) > kSlewFloor + widths + raw * kSlewPpm / 1'000'000;
}

}  // namespace

Instant read_clocks() {
  Instant best;
  for (int i = 0; i < kTries; ++i) {
    Instant read;
    const auto before = now(CLOCK_MONOTONIC);
    read.wall = WallTime(now(CLOCK_REALTIME));
    read.raw = now(CLOCK_MONOTONIC_RAW);
    read.width = now(CLOCK_MONOTONIC) - before;
    // Of the middle: the wall clock was read then, give or take half the width.
    read.steady = SteadyTime(before + read.width / 2);
    if (i == 0 || read.width < best.width) best = read;
    if (best.width <= kGoodWidth) break;
  }
  return best;
}

std::expected<Flight, Disturbance> join(const Departure& departure, const Arrival& arrival) {
  const auto& [before, after, kernel_sent] = departure;
  if (clock_was_set(before, arrival.read)) return std::unexpected(Disturbance::clock_step);
  Flight flight{.sent = kernel_sent.value_or(before.wall),
                .received = arrival.kernel.value_or(arrival.read.wall),
                .sent_steady = {},
                .received_steady = {},
                .error = before.width + arrival.read.width,
                .kernel_sent = kernel_sent.has_value(),
                .kernel_received = arrival.kernel.has_value()};
  if (!kernel_sent) {
    const auto call = after.steady - before.steady;
    if (call > kStallBudget) return std::unexpected(Disturbance::stall);
    flight.error += call;
  }
  if (!arrival.kernel) {
    flight.error +=
        arrival.read.steady - std::max(arrival.empty_at, std::min(before.steady, arrival.read.steady));
  }
  const bool left_early = flight.sent < before.wall - kStampNoise;
  const bool came_late = flight.received > arrival.read.wall + kStampNoise;
  if (left_early || came_late || flight.received < flight.sent)
    return std::unexpected(Disturbance::impossible);
  flight.sent_steady = before.steady + (flight.sent - before.wall);
  flight.received_steady = arrival.read.steady - (arrival.read.wall - flight.received);
  return flight;
}

}  // namespace qw::net
