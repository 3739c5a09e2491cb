#include <gtest/gtest.h>

#include <array>
#include <string>

#include "daemon/base/text.hpp"
#include "daemon/schedule/scheduler.hpp"

namespace qw::schedule {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(FirstDue, LiesOnOneGridWheneverTheProcessStarts) {
  for (const Nanoseconds interval :
       {Nanoseconds(milliseconds(100)), Nanoseconds(seconds(1)), Nanoseconds(seconds(15)), Nanoseconds(7)}) {
    const auto seed = stable_hash("etcd/control-plane");
    const auto first = first_due(SteadyTime(seconds(1000)), interval, seed);
    for (int i = 0; i < 1000; ++i) {
      const SteadyTime now = SteadyTime(milliseconds(i * 37));
      const auto due = first_due(now, interval, seed);
      EXPECT_GE(due, now);
      EXPECT_LT(due, now + interval);
      EXPECT_EQ((due - first) % interval, Nanoseconds(0));
    }
  }
}

TEST(FirstDue, SpreadsTargetsEvenly) {
  // chi squared of 20 buckets: 36.2 is exceeded once in a hundred honest draws; the names are fixed, so this
  // never flickers.
  for (const std::string prefix : {"etcd/t", "redis/sessions-", "nodes/10.0.0."}) {
    for (const int targets : {200, 1000, 10000}) {
      std::array<int, 20> buckets{};
      for (int i = 0; i < targets; ++i) {
        const auto due =
            first_due(SteadyTime(seconds(0)), seconds(5), stable_hash(prefix + std::to_string(i)));
        ++buckets.at(static_cast<std::size_t>(due.time_since_epoch() * 20 / seconds(5)));
      }
      double chi = 0;
      const double expected = targets / 20.0;
      for (const int n : buckets) chi += (n - expected) * (n - expected) / expected;
      EXPECT_LT(chi, 36.2) << prefix << " " << targets;
    }
  }
}

TEST(NextDue, StaysOnTheGridAndCountsWhatWasMissed) {
  struct Case {
    const char* what;
    int now_ms;
    int next_ms;
    std::uint64_t missed;
  };
  constexpr std::array<Case, 9> kCases{{
      {"ended at once", 1000, 2000, 0},
      {"ended just in time", 1999, 2000, 0},
      {"ended when the next was due: that one is missed", 2000, 3000, 1},
      {"ran over by a little", 2001, 3000, 1},
      {"ran over until just before the one after", 2999, 3000, 1},
      {"ran over by two", 3000, 4000, 2},
      {"slept for an hour", 3'601'500, 3'602'000, 3600},
      {"the clock was read before the due time", 900, 2000, 0},
      {"far before", 0, 2000, 0},
  }};
  for (const auto& test : kCases) {
    std::uint64_t missed = 0;
    const auto next =
        next_due(SteadyTime(milliseconds(1000)), SteadyTime(milliseconds(test.now_ms)), seconds(1), missed);
    EXPECT_EQ(next, SteadyTime(milliseconds(test.next_ms))) << test.what;
    EXPECT_EQ(missed, test.missed) << test.what;
  }
}

TEST(NextDue, AddsToTheCountItIsGiven) {
  std::uint64_t missed = 5;
  next_due(SteadyTime(seconds(1)), SteadyTime(seconds(3)), seconds(1), missed);
  EXPECT_EQ(missed, 7U);
}

TEST(NextDue, NoRoundIsLostOrCountedTwiceOverManyRounds) {
  const auto first = SteadyTime(milliseconds(123));
  auto due = first;
  auto now = first;
  std::uint64_t rounds = 0;
  std::uint64_t missed = 0;
  for (int i = 0; i < 100'000; ++i) {
    now = std::max(now, due) + milliseconds((i * 7919) % 350);
    ++rounds;
    due = next_due(due, now, milliseconds(100), missed);
    ASSERT_GT(due, now);
  }
  EXPECT_EQ((due - first) / milliseconds(100), static_cast<std::int64_t>(rounds + missed));
}

}  // namespace
}  // namespace qw::schedule
