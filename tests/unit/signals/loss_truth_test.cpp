// Many links whose true loss is known, watched as a mesh probe does: no verdict from chance, and none that
// comes too late. The rates are measured over all seeds, and asserted.
#include <gtest/gtest.h>

#include <cstdlib>

#include "loss_link.hpp"

namespace qw::signals {
namespace {

/// As many links as QW_SEEDS says; the deep run takes more.
int seeds(int fewest) {
  const char* text = std::getenv("QW_SEEDS");
  return text == nullptr ? fewest : std::max(fewest, std::atoi(text) / 10);
}

struct Calls {
  int links = 0;
  std::vector<int> after;  ///< seconds, sorted; of the links that were called
  double extra_packets = 0;

  double share_within(int limit) const {
    const auto in_time = std::ranges::count_if(after, [&](int each) { return each <= limit; });
    return static_cast<double>(in_time) / links;
  }
};

Calls watch(int links, double loss, double burst, std::uint64_t packets, int rounds, bool waits = true) {
  Calls calls{.links = links, .after = {}};
  for (int seed = 1; seed <= links; ++seed) {
    LossyLink link(static_cast<std::uint64_t>(seed), loss, burst);
    LinkWatch watch(packets);
    watch.waits_for_lost = waits;
    if (const auto called = watch.called_within(link, rounds)) calls.after.push_back(*called);
    calls.extra_packets += static_cast<double>(watch.extra_packets) / links;
  }
  std::ranges::sort(calls.after);
  return calls;
}

/// Half a day of each link: 21 million packets in all.
TEST(LossTruth, NoLinkIsCalledByChance) {
  struct Case {
    double loss, burst;
  };
  for (const auto& c : {Case{0, 1}, Case{0.0001, 1}, Case{0.001, 1}, Case{0.001, 10}, Case{0.0005, 50}}) {
    int calls = 0;
    for (int seed = 1; seed <= seeds(2); ++seed) {
      LossyLink link(static_cast<std::uint64_t>(seed) * 977, c.loss, c.burst);
      LinkWatch watch(50);
      calls += watch.called_within(link, 43'200, 10).has_value();
    }
    EXPECT_EQ(calls, 0) << c.loss << " in bursts of " << c.burst;
  }
}

/// From the first packet of the loss, at a packet each 20 ms.
TEST(LossTruth, OneInAHundredIsCalledWithin15Seconds) {
  const auto calls = watch(seeds(200), 0.01, 1, 50, 60);
  EXPECT_EQ(calls.after.size(), static_cast<std::size_t>(calls.links));
  EXPECT_GE(calls.share_within(15), 0.93);
  EXPECT_GE(calls.share_within(9), 0.5);
  EXPECT_LE(calls.extra_packets, 2500) << "the budget is kept";
  const auto brisk = watch(seeds(200), 0.01, 1, 50, 60, false);
  EXPECT_GE(brisk.share_within(11), 0.95) << "where nobody waits for what is lost";
}

/// From the instant at which the loss begins, at any time of a round or between two.
TEST(LossTruth, OneInAHundredIsCalledWithin15SecondsAtTheDefaultInterval) {
  const int links = seeds(400);
  std::vector<double> after;
  double extra_packets = 0;
  std::mt19937_64 random(7);
  for (int seed = 1; seed <= links; ++seed) {
    const double onset = 10 + std::uniform_real_distribution<double>(0, DefaultWatch::kInterval)(random);
    LossyLink link(static_cast<std::uint64_t>(seed) * 31, 0.01);
    DefaultWatch watch(onset);
    double called = 1000;
    for (int round = 0; round < 40 && called == 1000; ++round) {
      const double ended = watch.round(link);
      if (watch.confirmed()) called = ended - onset;
    }
    EXPECT_GT(called, 0);
    after.push_back(called);
    extra_packets += static_cast<double>(watch.extra_packets) / links;
  }
  std::ranges::sort(after);
  RecordProperty("p50_s", std::to_string(after[after.size() / 2]));
  RecordProperty("p95_s", std::to_string(after[after.size() * 95 / 100]));
  EXPECT_LE(after[after.size() * 95 / 100], 15);
  EXPECT_LE(after[after.size() / 2], 9);
  EXPECT_LE(extra_packets, 2000) << "the budget is kept";
}

/// Four days of each link, at the edge of what is harmless and within.
TEST(LossTruth, NoLinkIsCalledByChanceAtTheDefaultInterval) {
  struct Case {
    double loss, burst;
  };
  for (const auto& c : {Case{0, 1}, Case{0.0001, 1}, Case{0.001, 1}, Case{0.001, 10}, Case{0.0005, 50}}) {
    int calls = 0;
    for (int seed = 1; seed <= seeds(4); ++seed) {
      LossyLink link(static_cast<std::uint64_t>(seed) * 977, c.loss, c.burst);
      DefaultWatch watch(0);
      for (int round = 0; round < 17'280; ++round) {
        watch.round(link);
        if (round % 10 == 0 && watch.confirmed()) ++calls;
      }
    }
    EXPECT_EQ(calls, 0) << c.loss << " in bursts of " << c.burst;
  }
}

TEST(LossTruth, OneInFiveIsCalledWithinSeconds) {
  EXPECT_GE(watch(seeds(100), 0.2, 1, 50, 60).share_within(4), 0.99);
  EXPECT_GE(watch(seeds(100), 0.2, 1, 10, 60).share_within(7), 0.99);
  EXPECT_GE(watch(seeds(100), 0.2, 1, 1, 60).share_within(30), 0.95);
}

TEST(LossTruth, LossInBurstsIsCalledLaterAndStillCalled) {
  EXPECT_GE(watch(seeds(40), 0.01, 3, 50, 1800).share_within(600), 0.95);
  EXPECT_GE(watch(seeds(20), 0.01, 10, 50, 3600).share_within(1800), 0.95);
  EXPECT_GE(watch(seeds(40), 0.05, 10, 50, 600).share_within(120), 0.95);
}

TEST(LossTruth, AVerdictGoesWithTheLoss) {
  for (int seed = 1; seed <= seeds(20); ++seed) {
    LossyLink ill(static_cast<std::uint64_t>(seed), 0.02), well(1, 0);
    LinkWatch watch(50);
    ASSERT_TRUE(watch.called_within(ill, 60));
    int rounds = 0;
    while (watch.confirmed() && rounds < 100) watch.round(well), ++rounds;
    EXPECT_GE(rounds, 3);
    EXPECT_LE(rounds, 20);
  }
}

/// Once it is called, a lossy link is not tested without end.
TEST(LossTruth, AConfirmedLossCostsFewPackets) {
  LossyLink link(5, 0.2);
  LinkWatch watch(50);
  ASSERT_TRUE(watch.called_within(link, 60));
  const auto before = watch.extra_packets;
  for (int i = 0; i < 600; ++i) watch.round(link);
  EXPECT_TRUE(watch.confirmed());
  EXPECT_LE(watch.extra_packets - before, 100U);
}

TEST(LossTruth, TheDirectionIsNamed) {
  using Direction = LinkWatch::Direction;
  for (const auto direction : {Direction::forward, Direction::backward}) {
    LossyLink link(11, 0.01);
    LinkWatch watch(50, direction);
    const bool forward = direction == Direction::forward;
    ASSERT_TRUE(watch.called_within(link, 60));
    EXPECT_EQ(watch.confirmed("forward"), forward);
    EXPECT_EQ(watch.confirmed("backward"), !forward);
    EXPECT_GT(*watch.value("rtt_loss_confirmed_samples{direction=any}"), 200);
  }
}

}  // namespace
}  // namespace qw::signals
