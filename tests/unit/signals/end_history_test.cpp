#include "probes/signals/end_history.hpp"

#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

double age(SteadyTime from, SteadyTime to) {
  return qw::seconds(to - from);
}

TEST(EndHistory, KnowsNothingAtFirst) {
  EndHistory history;
  EXPECT_FALSE(history.passed(0));
  EXPECT_FALSE(history.end());
}

TEST(EndHistory, DatesAMessageBetweenTheTwoLooksAroundIt) {
  EndHistory history;
  history.add(asked(1000, 1004), 100);
  history.add(asked(6000, 6004), 200);
  const auto passed = history.passed(150);
  ASSERT_TRUE(passed && passed->after);
  EXPECT_EQ(*passed->after, at(1000));
  EXPECT_EQ(passed->before, at(6004));
  EXPECT_NEAR(age(at(0), passed->about), 3.527, 0.001);
  EXPECT_FALSE(history.passed(200)) << "it has not come";
  EXPECT_FALSE(history.passed(40)->after) << "it was there before us";
}

TEST(EndHistory, AStandStillEndsWithItsLastLook) {
  EndHistory history;
  for (double t = 0; t < 3'600'000; t += 5000) history.add(asked(t, t + 2), 100);
  history.add(asked(3'600'000, 3'600'002), 101);
  EXPECT_EQ(history.size(), 3U);
  EXPECT_EQ(*history.passed(100)->after, at(3'595'000));
}

TEST(EndHistory, AnEndThatGoesBackUndoesWhatLayBeyondIt) {
  EndHistory history;
  EXPECT_FALSE(history.add(asked(0, 2), 100));
  EXPECT_FALSE(history.add(asked(1000, 1002), 200));
  EXPECT_TRUE(history.add(asked(2000, 2002), 150));
  EXPECT_EQ(history.end(), 150U);
  EXPECT_FALSE(history.passed(150));
  EXPECT_EQ(history.passed(120)->before, at(2002));
}

TEST(EndHistory, AnOvertakenLookIsNotTakenUp) {
  EndHistory history;
  history.add(asked(1000, 1002), 200);
  EXPECT_FALSE(history.add(asked(500, 502), 100));
  EXPECT_EQ(history.end(), 200U);
}

TEST(EndHistory, DaysFitAndStayExactInProportionToTheirAge) {
  EndHistory history;
  const auto end_at = [](double t) { return static_cast<std::uint64_t>(t / 100); };
  constexpr double kDays = 2 * 86'400'000.0;
  for (double t = 0; t <= kDays; t += 5000) {
    history.add(asked(t, t + 2), end_at(t));
    ASSERT_LE(history.size(), EndHistory::kMostPoints);
  }
  for (double lag = 60'000; lag < kDays; lag *= 1.3) {
    const auto passed = history.passed(end_at(kDays - lag));
    ASSERT_TRUE(passed && passed->after);
    EXPECT_LE(*passed->after, at(kDays - lag + 100));
    EXPECT_GE(passed->before, at(kDays - lag - 100));
    const auto width = age(*passed->after, passed->before);
    EXPECT_LE(width, 0.2 * lag / 1000) << lag;
    EXPECT_NEAR(age(passed->about, at(kDays)), lag / 1000, 0.2);
  }
}

}  // namespace
}  // namespace qw::signals
