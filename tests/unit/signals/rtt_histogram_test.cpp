#include "probes/signals/rtt_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "story.hpp"

namespace qw::signals {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(RttHistogram, CountsEachInTheBucketsThatHoldIt) {
  RttHistogram histogram;
  for (const int us : {1, 5, 6, 100, 101, 5'000'000, 5'000'001}) histogram.add(microseconds(us));
  const auto buckets = histogram.cumulative();
  EXPECT_EQ(buckets[0], 2U) << "a bound belongs to its bucket";
  EXPECT_EQ(buckets[1], 3U);
  EXPECT_EQ(buckets[4], 4U);
  EXPECT_EQ(buckets[5], 5U);
  EXPECT_EQ(buckets.back(), 6U);
  EXPECT_EQ(histogram.count(), 7U);
  EXPECT_EQ(histogram.sum(), microseconds(10'000'214));
}

TEST(RttHistogram, NamesItsBounds) {
  for (std::size_t i = 0; i < RttHistogram::kBuckets; ++i) {
    EXPECT_DOUBLE_EQ(std::stod(std::string(RttHistogram::kNames[i])), qw::seconds(RttHistogram::kBounds[i]));
  }
  EXPECT_TRUE(std::ranges::is_sorted(RttHistogram::kBounds));
}

TEST(RecentRtt, QuantilesAreNeverTooLowAndLittleTooHigh) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 50; ++round) {
    RecentRtt recent;
    std::vector<Nanoseconds> all;
    std::lognormal_distribution<double> value(std::log(1e4) + round * 0.2, 1.0);
    for (int i = 0; i < 1 + round * 20; ++i) {
      all.emplace_back(1100 + static_cast<std::int64_t>(value(random)));
      recent.add(at(i), all.back());
    }
    std::ranges::sort(all);
    for (const double q : {0.5, 0.9, 0.99, 1.0}) {
      const auto truth = all[static_cast<std::size_t>(std::ceil(q * static_cast<double>(all.size()))) - 1];
      const auto got = recent.quantile(at(2000), q);
      ASSERT_TRUE(got);
      EXPECT_GE(*got, truth);
      EXPECT_LE(static_cast<double>(got->count()), static_cast<double>(truth.count()) * 1.0626);
    }
    EXPECT_EQ(recent.quantile(at(2000), 1), all.back());
  }
}

TEST(RecentRtt, ForgetsAfterFiveMinutes) {
  RecentRtt recent;
  EXPECT_EQ(recent.quantile(at(0), 0.99), std::nullopt);
  recent.add(at(0), microseconds(900));
  recent.add(at(200'000), microseconds(50));
  EXPECT_EQ(recent.quantile(at(200'000), 0.99), microseconds(900));
  EXPECT_EQ(recent.quantile(at(300'000), 0.99), microseconds(50));
  EXPECT_EQ(recent.count(at(300'000)), 1U);
  EXPECT_EQ(recent.quantile(at(10'000'000), 0.99), std::nullopt);
}

TEST(RecentRtt, HoldsWhateverItIsGiven) {
  RecentRtt recent;
  for (const auto value : {Nanoseconds(-5), Nanoseconds(0), Nanoseconds(seconds(100)), Nanoseconds::max()}) {
    recent.add(at(0), value);
  }
  EXPECT_EQ(recent.quantile(at(0), 1), Nanoseconds::max());
  EXPECT_LE(*recent.quantile(at(0), 0.25), microseconds(2));
}

}  // namespace
}  // namespace qw::signals
