#include "daemon/watchdog.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Nanoseconds kPeriod = seconds(30);
const SteadyTime kStart(seconds(1000));

/// One second after the other, as the daemon asks; the moments at which it was fed, in seconds from the
/// start.
std::vector<int> meals(Watchdog& watchdog, int from, int to, const Progress& stands,
                       bool loop_stands = false) {
  std::vector<int> out;
  for (int second = from; second <= to; ++second) {
    auto progress = stands;
    const auto now = kStart + seconds(second);
    if (!loop_stands) progress.loop = now - seconds(1);
    if (watchdog.feed(progress, now)) out.push_back(second);
  }
  return out;
}

TEST(Watchdog, IsFedAtHalfOfThePeriodWhileAllGetOn) {
  Watchdog watchdog(kPeriod);
  EXPECT_EQ(meals(watchdog, 0, 60, {}), (std::vector<int>{0, 15, 30, 45, 60}));
  EXPECT_EQ(watchdog.stuck(), "");
}

TEST(Watchdog, IsNotFedByALoopThatStands) {
  Watchdog watchdog(kPeriod);
  EXPECT_EQ(meals(watchdog, 0, 90, {.loop = kStart, .rules = {}, .state = {}}, true),
            (std::vector<int>{0, 15}));
  EXPECT_EQ(watchdog.stuck(), "event loop");
}

TEST(Watchdog, IsNotFedWhileOneRuleTakesLongerThanThePeriod) {
  Watchdog watchdog(kPeriod);
  EXPECT_EQ(meals(watchdog, 0, 90, {.loop = {}, .rules = kStart, .state = {}}),
            (std::vector<int>{0, 15, 30}));
  EXPECT_EQ(watchdog.stuck(), "rules");
  EXPECT_EQ(meals(watchdog, 91, 91, {}), std::vector<int>{91}) << "it goes on, and so does the feeding";
  EXPECT_EQ(watchdog.stuck(), "");
}

TEST(Watchdog, IsNotFedWhileASaveTakesLongerThanTwoPeriods) {
  Watchdog watchdog(kPeriod);
  EXPECT_EQ(meals(watchdog, 0, 120, {.loop = {}, .rules = {}, .state = kStart}),
            (std::vector<int>{0, 15, 30, 45, 60}));
  EXPECT_EQ(watchdog.stuck(), "state of alerts");
}

TEST(Watchdog, IsNotThereWithoutAPeriod) {
  Watchdog watchdog(Nanoseconds(0));
  EXPECT_FALSE(watchdog.watched());
  EXPECT_EQ(meals(watchdog, 0, 60, {}), std::vector<int>{});
}

}  // namespace
}  // namespace qw
