#include "probes/signals/clock_agreement.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "probes/signals/clock_profiles.hpp"

namespace qw::signals {
namespace {

using Milliseconds = std::chrono::milliseconds;

ClockInterval around(int middle, int half) {
  return {Milliseconds(middle - half), Milliseconds(middle + half)};
}

std::vector<bool> guilty(const std::vector<ClockInterval>& clocks, int tolerance) {
  const ClockCourt court(clocks, Milliseconds(tolerance));
  std::vector<bool> out;
  for (const auto& clock : clocks) out.push_back(court.guilty(clock));
  return out;
}

TEST(ClockAgreement, IsWhereMostIntervalsMeet) {
  const std::vector clocks{around(0, 10), around(8, 5), around(100, 1)};
  const auto agreed = most_agree(clocks);
  EXPECT_EQ(agreed.count, 2u);
  EXPECT_EQ(agreed.common.from, Milliseconds(3));
  EXPECT_EQ(agreed.common.to, Milliseconds(10));
}

TEST(ClockAgreement, IntervalsThatTouchAgree) {
  EXPECT_EQ(most_agree(std::vector{around(0, 5), around(10, 5)}).count, 2u);
}

TEST(ClockCourt, NamesTheOneThatNoMajorityCanBeWith) {
  EXPECT_EQ(guilty({around(0, 1), around(5, 1), around(-3, 1), around(2, 1), around(900, 1)}, 500),
            (std::vector{false, false, false, false, true}));
}

TEST(ClockCourt, BlamesNobodyWithoutAMajority) {
  const std::vector clocks{around(0, 1), around(1, 1), around(900, 1), around(901, 1)};
  EXPECT_FALSE(ClockCourt(clocks, Milliseconds(500)).agreed());
  EXPECT_EQ(guilty(clocks, 500), (std::vector{false, false, false, false}));
}

// Two of whom little is known could stand with either side.
TEST(ClockCourt, ThoseOfWhomLittleIsKnownDoNotDecide) {
  EXPECT_EQ(guilty({around(0, 1), around(1, 1), around(0, 5000), around(0, 5000), around(900, 1)}, 500),
            (std::vector{false, false, false, false, false}));
}

TEST(ClockCourt, ToldApartFromOursByThoseWhoAgree) {
  const ClockCourt court(std::vector{around(900, 1), around(905, 1)}, Milliseconds(500));
  EXPECT_TRUE(court.guilty({}));
}

TEST(ClockSpreadTest, IsAtLeastAndAtMost) {
  const auto apart = spread(std::vector{around(0, 10), around(100, 5), around(40, 50)});
  ASSERT_TRUE(apart);
  EXPECT_EQ(apart->at_least, Milliseconds(85));
  EXPECT_EQ(apart->at_most, Milliseconds(115));
  EXPECT_FALSE(spread(std::vector{around(0, 1)}));
}

TEST(ClockProfiles, SayWhomTheyHurtAndFallBackToTheDefault) {
  EXPECT_EQ(clock_profile("cockroachdb").limit(), Milliseconds(400));
  EXPECT_EQ(clock_profile("etcd").limit(), std::chrono::seconds(1));
  EXPECT_EQ(clock_profile("").name, "default");
  for (const auto& profile : clock_profiles()) {
    EXPECT_LE(profile.warning, profile.limit()) << profile.name;
    EXPECT_NE(describe_clock_profiles().find(profile.name), std::string::npos);
  }
}

}  // namespace
}  // namespace qw::signals
