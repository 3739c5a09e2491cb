#include "daemon/heartbeat.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Step {
  Nanoseconds passed;
  Nanoseconds wall_passed;
  std::optional<Nanoseconds> jump;
};

TEST(JumpFinder, FindsStepsOfTheWallClockAndNoSlewing) {
  const std::vector<Step> steps{
      {seconds(1), seconds(1), std::nullopt},
      {seconds(1), seconds(1) + milliseconds(1), std::nullopt},    // slewed
      {seconds(10), seconds(10) + milliseconds(5), std::nullopt},  // slewed for long
      {seconds(1), seconds(3601), seconds(3600)},
      {seconds(1), seconds(1), std::nullopt},  // the new time is right now
      {seconds(1), seconds(1) - seconds(7200), -seconds(7200)},
      {seconds(1), seconds(1) + milliseconds(60), milliseconds(60)},
      {seconds(60), seconds(60), std::nullopt},  // a stalled process is no jump
  };
  JumpFinder finder;
  SteadyTime steady(seconds(5));
  WallTime wall(seconds(1'700'000'000));
  EXPECT_EQ(finder.observe(steady, wall), std::nullopt);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steady += steps[i].passed;
    wall += steps[i].wall_passed;
    EXPECT_EQ(finder.observe(steady, wall), steps[i].jump) << i;
  }
}

}  // namespace
}  // namespace qw
