#include "probes/signals/clock.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "story.hpp"

namespace qw::signals {
namespace {

const std::string kOffset = "clock_offset_seconds{member=m,source=ntp}";
const std::string kBound = "clock_bound_seconds{member=m,source=ntp}";

WallTime wall(double milliseconds) {
  return WallTime(std::chrono::hours(400'000)) + Nanoseconds(static_cast<std::int64_t>(milliseconds * 1e6));
}

ClockReading reading(double sent, double received, double remote, Nanoseconds resolution = {}) {
  return {.member = "m",
          .source = "ntp",
          .asked = asked(sent, received),
          .local_sent = wall(sent),
          .local_received = wall(received),
          .remote = wall(remote),
          .resolution = resolution};
}

Story told(std::vector<ClockReading> readings) {
  Story story(etcd());
  Look look(0, 1);
  look.facts().clocks = std::move(readings);
  story.round({look});
  return story;
}

TEST(Clocks, GiveTheMiddleAndHalfTheWidthOfTheInterval) {
  const auto story = told({reading(0, 10, 105)});
  EXPECT_NEAR(*story.value(kOffset), 0.100, 1e-9);
  EXPECT_NEAR(*story.value(kBound), 0.005, 1e-9);
}

TEST(Clocks, ACoarseClockWidensTheIntervalOnlyUpwards) {
  const auto story = told({reading(0, 10, 0, std::chrono::seconds(1))});
  EXPECT_NEAR(*story.value(kOffset), (-0.010 + 1.0) / 2, 1e-9);
  EXPECT_NEAR(*story.value(kBound), 1.010 / 2, 1e-9);
}

TEST(Clocks, TakeTheNarrowestOfTheRoundAndNothingOfEarlierOnes) {
  auto story = told({reading(0, 10, 105), reading(20, 22, 121), reading(30, 90, 140)});
  EXPECT_NEAR(*story.value(kBound), 0.001, 1e-9);
  story.round({Look(100, 101)});
  EXPECT_EQ(story.value(kOffset), std::nullopt);
}

TEST(Clocks, AReadingDuringWhichOurOwnClockWasSetSaysNothing) {
  auto back = reading(0, 10, 5);
  back.local_received = wall(-50);
  auto forward = reading(0, 10, 5);
  forward.local_received = wall(3600'000);
  for (const auto& one : {back, forward}) EXPECT_EQ(told({one}).value(kOffset), std::nullopt);
}

TEST(Clocks, KeepSourcesAndMembersApart) {
  auto other = reading(0, 10, 5);
  other.source = "http_date";
  const auto story = told({reading(0, 10, 105), other});
  EXPECT_NEAR(*story.value(kOffset), 0.1, 1e-9);
  EXPECT_NEAR(*story.value("clock_offset_seconds{member=m,source=http_date}"), 0, 1e-9);
}

// The true offset lies within offset +- bound, whatever the way there, the way back and the resolution.
TEST(Clocks, TheTruthIsInsideTheInterval) {
  std::mt19937_64 random(7);
  const auto below = [&](double limit) { return std::uniform_real_distribution<double>(0, limit)(random); };
  for (int i = 0; i < 3000; ++i) {
    const double truth = below(20'000) - 10'000;
    const double resolution = i % 3 == 0 ? 1000 : i % 3 == 1 ? 0.001 : 0;
    std::vector<ClockReading> readings;
    for (int k = 0; k < 3; ++k) {
      const double sent = below(5000);
      const double there = sent + below(50);
      const double received = there + below(50);
      double shown = there + truth;
      if (resolution > 0) shown = std::floor(shown / resolution) * resolution;
      readings.push_back(
          reading(sent, received, shown, Nanoseconds(static_cast<std::int64_t>(resolution * 1e6))));
    }
    const auto story = told(readings);
    EXPECT_LE(std::abs(*story.value(kOffset) - truth / 1000), *story.value(kBound) + 1e-6);
  }
}

}  // namespace
}  // namespace qw::signals
