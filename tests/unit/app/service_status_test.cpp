#include "daemon/service_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const SteadyTime kNow(seconds(100));
const WallTime kWall(seconds(1'764'000'000));

TEST(ServiceStatus, SaysHowManyAnswerWhatFiresAndSinceWhen) {
  ServiceStatus status;
  const auto line =
      status.next({.targets = 4, .answering = 3, .firing = 1, .pending = 2, .unknown = 5}, kNow, kWall);
  EXPECT_EQ(line,
            "3 of 4 targets answer; alerts: 1 firing, 2 pending, 5 unknown; since 2025-11-24T16:00:00.000Z");
}

TEST(ServiceStatus, IsToldWhenItChangesAndNotMoreOftenThanOnceASecond) {
  ServiceStatus status;
  EXPECT_TRUE(status.next({.targets = 1}, kNow, kWall));
  EXPECT_FALSE(
      status.next({.targets = 1, .answering = 1}, kNow + milliseconds(999), kWall + milliseconds(999)));
  const auto line = status.next({.targets = 1, .answering = 1}, kNow + seconds(1), kWall + seconds(1));
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("1 of 1 targets answer"));
  EXPECT_THAT(*line, HasSubstr("16:00:01"));
  EXPECT_FALSE(status.next({.targets = 1, .answering = 1}, kNow + seconds(9), kWall + seconds(9)))
      << "nothing changed, so since when did not either";
}

TEST(ServiceStatus, SaysInOneLineWhyTheConfigurationOnDiskIsNotInUse) {
  ServiceStatus status;
  status.set_problem("quorumwatch.yml:3: unknown key\nREADY=1");
  const auto line = status.next({}, kNow, kWall);
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("; configuration not reloaded: quorumwatch.yml:3: unknown key"));
  EXPECT_THAT(*line, Not(HasSubstr("\n")));
  status.set_problem("");
  const auto good = status.next({}, kNow + seconds(1), kWall);
  ASSERT_TRUE(good);
  EXPECT_THAT(*good, Not(HasSubstr("not reloaded")));
}

}  // namespace
}  // namespace qw
