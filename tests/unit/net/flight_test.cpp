#include "daemon/net/flight.hpp"

#include <gtest/gtest.h>

namespace qw::net {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr WallTime kNoon(hours(500'000));
constexpr SteadyTime kStart(hours(100));

/// All clocks so long after noon, the wall clock shifted by `step`.
Instant at(Nanoseconds since, Nanoseconds step = {}) {
  return {.steady = kStart + since,
          .wall = kNoon + since + step,
          .raw = hours(7) + since,
          .width = nanoseconds(80)};
}

/// Sent at noon, stamped 10 us later; answered 50 us after that and read 5 ms late.
Departure departure() {
  return {.before = at({}), .after = at(microseconds(40)), .kernel = kNoon + microseconds(10)};
}
Arrival arrival(Nanoseconds step = {}) {
  return {.kernel = kNoon + microseconds(60) + step, .read = at(milliseconds(5), step), .empty_at = kStart};
}

TEST(Flight, IsBetweenTheStampsOfTheKernelWhateverTheThreadWaited) {
  const auto flight = join(departure(), arrival());
  ASSERT_TRUE(flight);
  EXPECT_EQ(flight->duration(), microseconds(50));
  EXPECT_LT(flight->error, microseconds(1));
  EXPECT_TRUE(flight->kernel_sent && flight->kernel_received);
  EXPECT_EQ(flight->sent_steady, kStart + microseconds(10));
  EXPECT_EQ(flight->received_steady, kStart + microseconds(60));
}

TEST(Flight, AcrossAStepOfTheWallClockIsNone) {
  for (const Nanoseconds step : {Nanoseconds(hours(1)), Nanoseconds(-hours(1)), Nanoseconds(microseconds(20)),
                                 Nanoseconds(-microseconds(20))}) {
    const auto flight = join(departure(), arrival(step));
    ASSERT_FALSE(flight) << step.count();
    EXPECT_EQ(flight.error(), Disturbance::clock_step);
  }
}

TEST(Flight, AStepThatCameAfterTheAnswerSpoilsItTooSinceNobodyKnowsWhen) {
  auto read_late = arrival();
  read_late.read = at(milliseconds(5), hours(1));
  EXPECT_EQ(join(departure(), read_late).error(), Disturbance::clock_step);
}

TEST(Flight, AFastSlewIsFoundAgainstTheRawClock) {
  // CLOCK_MONOTONIC is slewed together with the wall clock and shows nothing.
  auto slewed = arrival();
  slewed.read = at(milliseconds(500));
  slewed.read.raw -= milliseconds(500) * 8 / 100;
  EXPECT_EQ(join(departure(), slewed).error(), Disturbance::clock_step);
  auto ordinary = arrival();
  ordinary.read = at(milliseconds(500));
  ordinary.read.raw -= milliseconds(500) * 400 / 1'000'000;
  EXPECT_TRUE(join(departure(), ordinary));
}

TEST(Flight, WithoutTransmitStampTheSendCallIsTheError) {
  auto left = departure();
  left.kernel.reset();
  const auto flight = join(left, arrival());
  ASSERT_TRUE(flight);
  EXPECT_EQ(flight->duration(), microseconds(60));
  EXPECT_GE(flight->error, microseconds(40));
  EXPECT_FALSE(flight->kernel_sent);
}

TEST(Flight, WithoutTransmitStampAStallWhileSendingSpoilsIt) {
  auto left = departure();
  left.kernel.reset();
  left.after = at(milliseconds(3));
  EXPECT_EQ(join(left, arrival()).error(), Disturbance::stall);
}

TEST(Flight, WithoutReceiveStampItMayHaveComeAtAnyTimeSinceTheSocketWasEmpty) {
  auto came = arrival();
  came.kernel.reset();
  came.empty_at = kStart + milliseconds(4);
  const auto flight = join(departure(), came);
  ASSERT_TRUE(flight);
  EXPECT_EQ(flight->duration(), milliseconds(5) - microseconds(10));
  EXPECT_GE(flight->error, milliseconds(1));
  EXPECT_LT(flight->error, microseconds(1100));
}

TEST(Flight, StampsThatContradictThemselvesBelongToOtherPackets) {
  auto early = departure();
  early.kernel = kNoon - microseconds(5);
  EXPECT_EQ(join(early, arrival()).error(), Disturbance::impossible);
  auto before = arrival();
  before.kernel = kNoon + microseconds(9);
  EXPECT_EQ(join(departure(), before).error(), Disturbance::impossible);
  auto future = arrival();
  future.kernel = kNoon + milliseconds(6);
  EXPECT_EQ(join(departure(), future).error(), Disturbance::impossible);
}

TEST(Flight, ClocksAreReadWithinOneInstant) {
  const auto first = read_clocks();
  const auto second = read_clocks();
  EXPECT_GE(second.steady, first.steady);
  EXPECT_GE(second.raw, first.raw);
  EXPECT_LT(first.width, milliseconds(1));
}

}  // namespace
}  // namespace qw::net
