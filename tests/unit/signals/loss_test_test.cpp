#include "probes/signals/loss_test.hpp"

#include <gtest/gtest.h>

#include "probes/signals/loss_spread.hpp"
#include "story.hpp"

namespace qw::signals {
namespace {

TEST(LossTest, CallsNothingWithoutALoss) {
  LossTest test;
  for (int i = 0; i < 10'000; ++i) {
    test.look(100, 0);
    ASSERT_FALSE(test.confirmed() || test.undecided());
  }
}

TEST(LossTest, OneLossIsASuspicionAndNoMore) {
  LossTest test;
  test.look(1, 1);
  EXPECT_TRUE(test.undecided());
  EXPECT_FALSE(test.confirmed());
  EXPECT_GT(test.progress(), 0.1);
  EXPECT_LT(test.progress(), 0.2);
  test.look(100, 0);
  test.look(200, 0);
  EXPECT_FALSE(test.undecided()) << "300 that came through take it back";
}

/// An interruption that takes all packets of one look or two is one event.
TEST(LossTest, OneInterruptionIsNoVerdict) {
  LossTest test;
  test.look(50, 0);
  test.look(50, 20);
  test.look(50, 50);
  for (int i = 0; i < 20; ++i) test.look(50, 0);
  EXPECT_FALSE(test.confirmed());
  EXPECT_FALSE(test.undecided());
}

TEST(LossTest, ADeadLinkIsCalledAtOnceAndClearedWhenItIsWell) {
  LossTest test;
  int looks = 0;
  while (!test.confirmed() && looks < 100) test.look(50, 50), ++looks;
  EXPECT_EQ(looks, 7);
  EXPECT_EQ(test.packets(), 350U);
  test.look(50, 50);
  EXPECT_EQ(test.packets(), 400U) << "what comes later speaks for it too";
  std::uint64_t clean = 0;
  while (test.confirmed() && clean < 10'000) test.look(50, 0), clean += 50;
  EXPECT_EQ(clean, 800U);
  EXPECT_EQ(test.packets(), 800U);
}

TEST(LossTest, ALateAnswerTakesItsLossBack) {
  LossTest late, lost;
  for (int i = 0; i < 100; ++i) {
    late.look(10, 1, i == 0 ? 0 : 1);
    lost.look(10, 1);
  }
  EXPECT_TRUE(lost.confirmed());
  EXPECT_FALSE(late.confirmed());
  late.look(0, 0, 1);
  EXPECT_FALSE(late.undecided());
}

TEST(LossTest, BelievesNoMoreLossesThanPackets) {
  LossTest test;
  test.look(0, 5);
  EXPECT_FALSE(test.undecided());
  test.look(1, UINT64_MAX, UINT64_MAX);
  EXPECT_TRUE(test.undecided());
}

SteadyTime minute(int number) {
  return at(number * 60'000.0);
}

TEST(LossSpread, CallsBurstsThatComeMinuteForMinute) {
  LossSpread spread;
  for (int i = 0; i < 15; ++i) spread.look(minute(i), 3000, 20 + static_cast<std::uint64_t>(i % 3) * 10);
  EXPECT_TRUE(spread.confirmed(minute(14)));
  EXPECT_EQ(spread.packets(minute(14)), 45'000U);
  EXPECT_FALSE(spread.confirmed(minute(60))) << "and forgets them in half an hour";
}

TEST(LossSpread, CallsNeitherOneOutageNorAHarmlessLoss) {
  LossSpread outage, harmless;
  for (int i = 0; i < 30; ++i) {
    outage.look(minute(i), 3000, i == 7 || i == 8 ? 2500 : 0);
    harmless.look(minute(i), 3000, 3);
    EXPECT_FALSE(outage.confirmed(minute(i)));
    EXPECT_FALSE(harmless.confirmed(minute(i)));
  }
}

}  // namespace
}  // namespace qw::signals
