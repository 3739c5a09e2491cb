#include "tests/lab/delayline/link.hpp"

#include <gtest/gtest.h>

namespace qw::lab {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LinkSettings, OnlyWhatIsNamedChanges) {
  LinkSettings settings;
  ASSERT_TRUE(settings.change("delay=5000 loss=0.25"));
  ASSERT_TRUE(settings.change("jitter=100.5"));
  EXPECT_EQ(settings.delay, milliseconds(5));
  EXPECT_EQ(settings.jitter, Nanoseconds(100'500));
  EXPECT_EQ(settings.loss, 0.25);
}

TEST(LinkSettings, ABadWordChangesNothing) {
  LinkSettings settings;
  for (const auto* text : {"delay=5000 loss=2", "delay=5000 loss", "delay=1 speed=1", "delay=-1",
                           "delay=1e99", "delay=nan", "delay=5 loss="}) {
    EXPECT_FALSE(settings.change(text)) << text;
  }
  EXPECT_EQ(settings.delay, Nanoseconds(0));
}

TEST(Link, PacketsStayInOrderWhateverTheJitter) {
  Link link(1);
  ASSERT_TRUE(link.settings.change("delay=1000 jitter=5000"));
  Nanoseconds last{};
  for (int i = 0; i < 1000; ++i) {
    const auto arrived = microseconds(10 * i);
    const auto fate = link.decide(arrived);
    ASSERT_TRUE(fate.release);
    EXPECT_GE(*fate.release, arrived + milliseconds(1));
    EXPECT_LE(*fate.release, arrived + milliseconds(6) + microseconds(1));
    EXPECT_GE(*fate.release, last);
    last = *fate.release;
  }
}

TEST(Link, LosesAsManyAsItIsTold) {
  Link link(2);
  ASSERT_TRUE(link.settings.change("loss=0.2 duplicate=0.1"));
  int lost = 0, twice = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto fate = link.decide(seconds(i));
    lost += fate.release ? 0 : 1;
    twice += fate.twice ? 1 : 0;
  }
  EXPECT_NEAR(lost, 2000, 150);
  EXPECT_NEAR(twice, 800, 150);
}

TEST(Link, WhatIsHeldLetsOthersPass) {
  Link link(3);
  ASSERT_TRUE(link.settings.change("reorder=1 hold=10000"));
  const auto held = link.decide(seconds(1));
  ASSERT_TRUE(link.settings.change("reorder=0"));
  const auto next = link.decide(seconds(1) + milliseconds(1));
  EXPECT_GT(held.release, next.release);
}

TEST(Link, TheSameSeedBringsTheSame) {
  Link one(7), other(7);
  for (auto* link : {&one, &other}) ASSERT_TRUE(link->settings.change("jitter=1000 loss=0.5"));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.decide(seconds(i)).release, other.decide(seconds(i)).release);
}

}  // namespace
}  // namespace qw::lab
