#include "probes/network/ladder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace qw::probes {
namespace {

using enum Ladder::Share;
using ::testing::ElementsAre;
using Heard = Ladder::Heard;

constexpr Heard kYes{.answered = true};
constexpr Heard kNo{};
constexpr Heard kRefused{.refused = true};

std::vector<bool> round(Ladder& ladder, Heard stamp, Heard icmp, Heard tcp) {
  return ladder.observe(std::array{stamp, icmp, tcp});
}

TEST(Ladder, AtFirstEveryMethodIsTriedAndTheBestThatIsAnsweredSpeaks) {
  Ladder ladder(3);
  EXPECT_THAT(ladder.plan(), ElementsAre(full, knock, knock));
  EXPECT_THAT(round(ladder, kYes, kYes, kNo), ElementsAre(true, true, false));
  EXPECT_EQ(ladder.rung(), 0U);
  EXPECT_THAT(ladder.plan(), ElementsAre(full, none, none));
}

TEST(Ladder, WithoutReflectorItFallsAtOnceAndTheSilenceIsNoLoss) {
  Ladder ladder(3);
  EXPECT_THAT(round(ladder, kRefused, kYes, kYes), ElementsAre(false, true, true));
  EXPECT_EQ(ladder.rung(), 1U);
  EXPECT_THAT(ladder.plan(), ElementsAre(knock, full, none));
}

TEST(Ladder, ClimbsAsSoonAsABetterMethodIsAnswered) {
  Ladder ladder(3);
  round(ladder, kNo, kYes, kNo);
  EXPECT_THAT(round(ladder, kYes, kYes, kNo), ElementsAre(true, true, false));
  EXPECT_EQ(ladder.rung(), 0U);
}

TEST(Ladder, WhatWasAnsweredBeforeAndIsSilentNowIsALossAndStays) {
  Ladder ladder(3);
  round(ladder, kYes, kYes, kYes);
  EXPECT_THAT(round(ladder, kNo, kNo, kNo), ElementsAre(true, false, false));
  EXPECT_THAT(ladder.plan(), ElementsAre(full, knock, knock));
  for (int i = 0; i < 10; ++i) EXPECT_THAT(round(ladder, kNo, kNo, kNo), ElementsAre(true, false, false));
  EXPECT_EQ(ladder.rung(), 0U) << "the peer is gone: no other method would say more";
}

TEST(Ladder, AReflectorThatStaysSilentWhileThePeerLivesIsGivenUp) {
  Ladder ladder(2);
  ladder.observe(std::array{kYes, kNo});
  for (unsigned i = 1; i < Ladder::kPatience; ++i) {
    EXPECT_THAT(ladder.observe(std::array{kNo, kYes}), ElementsAre(true, true));
    EXPECT_EQ(ladder.rung(), 0U);
  }
  ladder.observe(std::array{kNo, kYes});
  EXPECT_EQ(ladder.rung(), 1U);
}

TEST(Ladder, AReflectorThatWasStoppedIsGivenUpAtOnce) {
  Ladder ladder(2);
  ladder.observe(std::array{kYes, kNo});
  ladder.observe(std::array{kRefused, kYes});
  EXPECT_EQ(ladder.rung(), 1U);
}

TEST(Ladder, APeerThatNeverAnswersIsALossOfTheBestMethod) {
  Ladder ladder(2);
  EXPECT_THAT(ladder.observe(std::array{kNo, kNo}), ElementsAre(true, false));
}

}  // namespace
}  // namespace qw::probes
