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

constexpr double kDriftSlack = 3e-6;  // by which intervals are widened for the length of an exchange

TEST(Clocks, GiveTheMiddleAndHalfTheWidthOfTheInterval) {
  const auto story = told({reading(0, 10, 105)});
  EXPECT_NEAR(*story.value(kOffset), 0.100, 1e-9);
  EXPECT_NEAR(*story.value(kBound), 0.005, kDriftSlack);
  EXPECT_GE(*story.value(kBound), 0.005);
}

TEST(Clocks, ACoarseClockWidensTheIntervalOnlyUpwards) {
  const auto story = told({reading(0, 10, 0, std::chrono::seconds(1))});
  EXPECT_NEAR(*story.value(kOffset), (-0.010 + 1.0) / 2, 1e-9);
  EXPECT_NEAR(*story.value(kBound), 1.010 / 2, kDriftSlack);
}

TEST(Clocks, FourTimeStampsTakeOutTheTimeThatTheMemberHeldThePacket) {
  auto held = reading(0, 10, 104);
  held.remote_sent = wall(112);
  const auto story = told({held});
  EXPECT_NEAR(*story.value(kOffset), (0.104 + 0.102) / 2, 1e-9);
  EXPECT_NEAR(*story.value(kBound), 0.001, kDriftSlack);
}

TEST(Clocks, PutTheReadingsOfTheRoundTogetherAndNothingOfEarlierOnes) {
  // The fast way there of one and the fast way back of the other.
  auto story = told({reading(0, 10, 101), reading(20, 30, 129)});
  EXPECT_NEAR(*story.value(kOffset), 0.100, kDriftSlack);
  EXPECT_NEAR(*story.value(kBound), 0.001, 2 * kDriftSlack);
  story.round({Look(100, 101)});
  EXPECT_EQ(story.value(kOffset), std::nullopt);
  EXPECT_EQ(story.value("clock_state{member=m,state=cannot_prove}"), 1);
}

TEST(Clocks, AReadingDuringWhichOurOwnClockWasSetSaysNothing) {
  auto back = reading(0, 10, 5);
  back.local_received = wall(-50);
  auto forward = reading(0, 10, 5);
  forward.local_received = wall(3600'000);
  for (const auto& one : {back, forward}) EXPECT_EQ(told({one}).value(kOffset), std::nullopt);
}

TEST(Clocks, TwoSourcesOfAMemberAreIntersected) {
  auto other = reading(0, 10, 112);
  other.source = "redis_time";
  const auto story = told({reading(0, 10, 105), other});
  EXPECT_NEAR(*story.value(kOffset), 0.1, 1e-9);
  EXPECT_NEAR(*story.value("clock_offset_seconds{member=m,source=redis_time}"), 0.107, 1e-9);
  EXPECT_NEAR(*story.value("clock_offset_seconds{member=m,source=all}"), 0.1035, 1e-9);
  EXPECT_NEAR(*story.value("clock_bound_seconds{member=m,source=all}"), 0.0015, kDriftSlack);
  EXPECT_EQ(story.value("clock_falsetickers{member=m}"), 0);
}

TEST(Clocks, TwoSourcesThatContradictEachOtherProveNothing) {
  auto other = reading(0, 10, 5);
  other.source = "http_date";
  const auto story = told({reading(0, 10, 5005), other});
  EXPECT_EQ(story.value("clock_falsetickers{member=m}"), 1);
  EXPECT_NEAR(*story.value("clock_bound_seconds{member=m,source=all}"), 2.505, kDriftSlack);
  EXPECT_EQ(story.value("clock_state{member=m,state=cannot_prove}"), 1);
}

TEST(Clocks, AMajorityOfSourcesOutvotesOne) {
  auto second = reading(0, 10, 105);
  second.source = "redis_time";
  auto third = reading(0, 10, 9005);
  third.source = "http_date";
  const auto story = told({reading(0, 10, 105), second, third});
  EXPECT_NEAR(*story.value("clock_offset_seconds{member=m,source=all}"), 0.1, 1e-9);
  EXPECT_EQ(story.value("clock_falsetickers{member=m}"), 1);
}

TEST(Clocks, TheStatesGoByTheProfile) {
  const auto state = [](std::string_view profile, double remote, double received) {
    Traits traits = etcd();
    traits.clock_profile = profile;
    Story story(traits);
    Look look(0, 1);
    look.facts().clocks = {reading(0, received, remote)};
    story.round({look});
    for (const std::string one : {"proved_skewed", "proved_in_sync", "cannot_prove"}) {
      if (story.value("clock_state{member=m,state=" + one + "}") == 1) return one;
    }
    return std::string();
  };
  EXPECT_EQ(state("", 450, 10), "proved_in_sync");
  EXPECT_EQ(state("", 520, 10), "proved_skewed");
  EXPECT_EQ(state("", 504, 10), "cannot_prove");
  EXPECT_EQ(state("cockroachdb", 450, 10), "proved_skewed");
  EXPECT_EQ(state("kerberos", 200'000, 10), "proved_in_sync");
  EXPECT_EQ(state("ydb", 7, 13), "cannot_prove");  // 800 ms of round trip cry wolf elsewhere (gravity#2121)
  EXPECT_EQ(state("no such profile", 450, 10), "proved_in_sync");
}

TEST(Clocks, ExportTheLimitsThatTheyGoBy) {
  Traits traits = etcd();
  traits.clock_profile = "etcd";
  Story story(traits);
  Look look(0, 1);
  look.facts().clocks = {reading(0, 10, 5)};
  story.round({look});
  EXPECT_EQ(story.value("clock_limit_seconds{profile=etcd,severity=warning}"), 1);
  EXPECT_EQ(story.value("clock_limit_seconds{profile=etcd,severity=critical}"), std::nullopt);
}

TEST(Clocks, WhoIsSilentWhileOthersShowTheirClocksIsOneOfWhomNothingIsProved) {
  Story story(etcd());
  Look look(0, 1);
  look.facts().clocks = {reading(0, 10, 5)};
  look.silent("n");
  story.round({look});
  EXPECT_EQ(story.value("clock_state{member=n,state=cannot_prove}"), 1);
  Story without(etcd());
  without.round({Look(0, 1).silent("n")});
  EXPECT_EQ(without.value("clock_state{member=n,state=cannot_prove}"), std::nullopt);
}

TEST(Clocks, WhoOnlyTellsOfItsClockIsNotMissedWhenItIsSilent) {
  Story story(etcd());
  Look look(0, 1);
  look.facts().clocks = {reading(0, 10, 5)};
  ClockState told{};
  told.member = told.source = "chrony";
  told.synchronised = true;
  look.facts().clock_states = {told};
  story.round({look});
  Look later(100, 110);
  later.facts().clocks = {reading(100, 110, 105)};
  later.silent("chrony");
  story.round({later});
  EXPECT_EQ(story.value("clock_state{member=chrony,state=cannot_prove}"), std::nullopt);
}

TEST(Clocks, WhatAMemberSaysOfItsOwnClockIsKeptApart) {
  Story story(etcd());
  Look look(0, 1);
  look.facts().clock_states = {{.member = "m",
                                .source = "chrony",
                                .asked = asked(0, 1),
                                .synchronised = true,
                                .offset = -std::chrono::milliseconds(250),
                                .bound = std::chrono::microseconds(3),
                                .leap = -1,
                                .stratum = 2,
                                .frequency_error = 12e-6}};
  story.round({look});
  EXPECT_EQ(story.value("clock_claimed_offset_seconds{member=m,source=chrony}"), -0.25);
  EXPECT_EQ(story.value("clock_claimed_bound_seconds{member=m,source=chrony}"), 3e-6);
  EXPECT_EQ(story.value("clock_synchronised{member=m,source=chrony}"), 1);
  EXPECT_EQ(story.value("clock_leap_pending{member=m,source=chrony}"), -1);
  EXPECT_EQ(story.value("clock_stratum{member=m,source=chrony}"), 2);
  EXPECT_EQ(story.value("clock_frequency_error_ratio{member=m,source=chrony}"), 12e-6);
  EXPECT_EQ(story.value("clock_state{member=m,state=cannot_prove}"), std::nullopt);
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
