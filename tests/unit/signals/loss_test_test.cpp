#include "probes/signals/loss_test.hpp"

#include <gtest/gtest.h>

#include <numeric>

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
  EXPECT_EQ(looks, 8);
  EXPECT_EQ(test.packets(), 400U);
  test.look(50, 50);
  EXPECT_EQ(test.packets(), 450U) << "what comes later speaks for it too";
  std::uint64_t clean = 0;
  while (test.confirmed() && clean < 10'000) test.look(50, 0), clean += 50;
  EXPECT_EQ(clean, 800U);
  EXPECT_EQ(test.packets(), 800U);
}

TEST(LossTest, LossesFarApartSpeakForThemselves) {
  const std::vector<std::uint64_t> apart{5, 105, 205, 305, 405}, together{100, 101, 110, 119, 120};
  LossTest many, one, unknown;
  many.look(500, 5, 0, apart);
  one.look(500, 5, 0, together);
  unknown.look(500, 5);
  EXPECT_GT(many.progress(), 0.2);
  EXPECT_LT(one.progress(), 0.01) << "one event, and 380 packets after it that came through";
  EXPECT_LT(unknown.progress(), 0.1);
}

TEST(LossTest, AnInterruptionWithinALookIsOneEventHoweverLong) {
  std::vector<std::uint64_t> all(500);
  std::iota(all.begin(), all.end(), 0);
  LossTest test, single;
  test.look(500, 500, 0, all);
  single.look(10, 10, 0, std::span(all).first(10));
  EXPECT_EQ(test.progress(), single.progress());
}

TEST(LossTest, LateAnswersTakeBackAllEventsOfALook) {
  const std::vector<std::uint64_t> places{5, 105, 205};
  LossTest late, never;
  late.look(300, 3, 0, places);
  EXPECT_TRUE(late.undecided());
  late.look(0, 0, 2);
  EXPECT_TRUE(late.undecided()) << "one of them is still lost";
  late.look(0, 0, 1);
  never.look(300, 0);
  EXPECT_EQ(late.progress(), never.progress());
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
