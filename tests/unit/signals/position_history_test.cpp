#include "probes/signals/position_history.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "story.hpp"

namespace qw::signals {
namespace {

TEST(PositionHistory, InterpolatesBetweenPoints) {
  PositionHistory history;
  history.add(at(0), 100);
  history.add(at(1000), 200);
  EXPECT_EQ(history.passed(149)->at, at(500));
  EXPECT_EQ(history.passed(100)->at, at(10));
  EXPECT_EQ(history.passed(199)->at, at(1000));
  EXPECT_FALSE(history.passed(150)->at_latest);
  EXPECT_FALSE(history.passed(200)) << "not yet";
  EXPECT_TRUE(history.passed(99)->at_latest);
}

TEST(PositionHistory, KeepsBothEndsOfAStandStill) {
  PositionHistory history;
  history.add(at(0), 1);
  for (int t = 1000; t <= 3'600'000; t += 1000) history.add(at(t), 100);
  EXPECT_EQ(history.points().size(), 3u);
  history.add(at(3'601'000), 200);
  EXPECT_EQ(history.passed(100)->at, at(3'600'010));
  EXPECT_EQ(history.passed(50)->at, at(0) + Nanoseconds(static_cast<std::int64_t>(1e9 * 50 / 99)));
}

TEST(PositionHistory, AnEntryBetweenTwoLooksCameNoLaterThanTheSecond) {
  PositionHistory history;
  history.add(at(0), 9);
  history.add(at(60'000), 10);
  EXPECT_EQ(history.passed(9)->at, at(60'000));
}

TEST(PositionHistory, WhatWasWrittenWhileNobodyWatchedIsOnlyBounded) {
  PositionHistory history;
  history.add(at(0), 100);
  history.add(at(1000), 200);
  history.add_after_gap(at(60'000), 300);
  history.add(at(61'000), 400);
  EXPECT_FALSE(history.passed(150)->at_latest);
  for (const std::uint64_t position : {200U, 250U, 299U}) {
    EXPECT_TRUE(history.passed(position)->at_latest) << position;
    EXPECT_EQ(history.passed(position)->at, at(60'000)) << position;
  }
  EXPECT_FALSE(history.passed(300)->at_latest);
  // A gap in which nothing was written hides nothing.
  history.add_after_gap(at(120'000), 400);
  history.add(at(121'000), 500);
  EXPECT_FALSE(history.passed(400)->at_latest);
  EXPECT_EQ(history.passed(400)->at, at(120'010));
  // Thinned out, it is still known.
  for (int t = 122'000; t < 2'000'000; t += 1000) history.add(at(t), static_cast<std::uint64_t>(t));
  EXPECT_TRUE(history.passed(250)->at_latest);
}

TEST(PositionHistory, AGapThatWasUndoneIsForgotten) {
  PositionHistory history;
  history.add(at(0), 100);
  history.add_after_gap(at(10'000), 300);
  history.add(at(11'000), 200);
  EXPECT_FALSE(history.passed(150)->at_latest);
  PositionHistory young;
  history.add_after_gap(at(20'000), 400);
  young.inherit(history, 250);
  young.add(at(21'000), 300);
  EXPECT_FALSE(young.passed(250)->at_latest);
  young.inherit(history, 400);
  young.add(at(21'000), 500);
  EXPECT_TRUE(young.passed(250)->at_latest);
}

TEST(PositionHistory, KnowsWhenTheLeaderCameToAPosition) {
  PositionHistory history;
  history.add(at(0), 100);
  history.add(at(1000), 200);
  history.add(at(9000), 200);
  EXPECT_EQ(history.reached(150), at(500));
  EXPECT_EQ(history.reached(200), at(1000)) << "not when it left it";
  EXPECT_EQ(history.reached(201), at(9000)) << "it is still on its way";
  EXPECT_EQ(history.reached(100), std::nullopt);
  history.add_after_gap(at(60'000), 300);
  EXPECT_EQ(history.reached(250), at(60'000));
}

TEST(PositionHistory, APositionThatGoesBackUndoesWhatLayBeyond) {
  PositionHistory history;
  history.add(at(0), 100);
  history.add(at(1000), 300);
  history.add(at(2000), 200);
  EXPECT_EQ(history.last()->position, 200u);
  EXPECT_EQ(history.passed(149)->at, at(1000));
}

TEST(PositionHistory, InheritsThePastUpToTheFork) {
  PositionHistory old;
  for (int i = 0; i <= 10; ++i) old.add(at(i * 1000), static_cast<std::uint64_t>(i) * 100);
  PositionHistory young;
  young.inherit(old, 750);
  young.add(at(20'000), 800);
  EXPECT_EQ(young.passed(349)->at, at(3500));
  EXPECT_EQ(young.last()->position, 800u);
}

// Twelve hours of bursts and silences at one look a second: few points, and every date is right in proportion
// to its age.
TEST(PositionHistory, CoversHoursInFewPointsWithAnErrorInProportionToAge) {
  std::mt19937_64 random(1);
  PositionHistory history;
  std::vector<PositionHistory::Point> truth;
  std::uint64_t position = 0;
  std::uint64_t rate = 0;
  constexpr int kSeconds = 12 * 3600;
  for (int second = 0; second < kSeconds; ++second) {
    if (random() % 60 == 0) rate = random() % 3 == 0 ? 0 : random() % 100'000;
    if (random() % 3000 == 0) second += 600;  // silence
    position += rate;
    truth.push_back({at(second * 1000.0), position});
    history.add(truth.back().at, position);
    ASSERT_LE(history.points().size(), PositionHistory::kMostPoints);
  }
  const auto now = truth.back().at;
  double worst = 0;
  for (std::size_t i = 0; i + 1 < truth.size(); i += 7) {
    const auto real =
        std::ranges::upper_bound(truth, truth[i].position, {}, &PositionHistory::Point::position);
    if (real == truth.end()) continue;
    const auto passed = history.passed(truth[i].position);
    ASSERT_TRUE(passed);
    EXPECT_FALSE(passed->at_latest) << "the beginning is never forgotten";
    const auto error = std::abs(seconds(passed->at - std::prev(real)->at));
    worst = std::max(worst, (error - 1) / seconds(now - std::prev(real)->at));
  }
  EXPECT_LT(worst, 0.1);
  RecordProperty("worst_relative_error", std::to_string(worst));
}

}  // namespace
}  // namespace qw::signals
