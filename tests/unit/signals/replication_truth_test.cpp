// A leader and a replica whose true positions are known at every instant, watched through random latencies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "story.hpp"

namespace qw::signals {
namespace {

/// The truth, in milliseconds: the leader writes in bursts and rests; the replica is a varying delay behind,
/// and cut off for a while.
class Pair {
 public:
  static constexpr int kLength = 400'000;
  explicit Pair(std::uint64_t seed) : random_(seed) {
    leader_.resize(kLength);
    replica_.resize(kLength);
    cut_ = 100'000 + static_cast<int>(random_() % 100'000);
    healed_ = cut_ + 20'000 + static_cast<int>(random_() % 100'000);
    std::uint64_t position = 1000, rate = 10;
    double delay = 20;
    for (int t = 0; t < kLength; ++t) {
      if (random_() % 8000 == 0) rate = random_() % 3 == 0 ? 0 : random_() % 200;
      position += rate;
      leader_[index(t)] = position;
      if (random_() % 5000 == 0) slope_ = below(1.6) - 0.8;  // how fast the delay grows
      delay = std::clamp(delay + slope_, 0.0, 8000.0);
      const auto before = t > 0 ? replica_[index(t - 1)] : 1000;
      const auto then = std::max(0, t - static_cast<int>(delay));
      replica_[index(t)] = is_cut(t) ? before : std::max(before, leader_[index(then)]);
    }
  }
  bool is_cut(double t) const { return t >= cut_ && t < healed_; }
  std::uint64_t leader(double t) const { return leader_[index(static_cast<int>(t))]; }
  std::uint64_t replica(double t) const { return replica_[index(static_cast<int>(t))]; }
  /// How long ago, in seconds, the leader went beyond what the replica has.
  double lag(double t) const {
    const auto beyond = std::ranges::upper_bound(leader_, replica(t));
    return std::max(0.0, t - static_cast<double>(beyond - leader_.begin())) / 1000;
  }
  double below(double limit) { return std::uniform_real_distribution<double>(0, limit)(random_); }

 private:
  static std::size_t index(int t) { return static_cast<std::size_t>(t); }
  std::mt19937_64 random_;
  std::vector<std::uint64_t> leader_, replica_;
  int cut_ = 0, healed_ = 0;
  double slope_ = 0;
};

constexpr double kSlowest = 20;

TEST(ReplicationTruth, LagIsRightWithinAnIntervalAndGrowsWhileCutOff) {
  int idle = 0, cut = 0, behind = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Pair pair(seed);
    Story story(redis());
    const double interval = seed % 2 == 0 ? 1000 : 5000;
    const double allowed = (interval + 2 * kSlowest + 5) / 1000;
    double last_cut = 0;
    for (double t = pair.below(interval); t + 100 < Pair::kLength; t += interval) {
      const double asked_leader = t + pair.below(kSlowest), asked_replica = t + pair.below(kSlowest);
      Look look(t, asked_leader + pair.below(kSlowest));
      look.stands("l", Role::leader, "x", pair.leader(asked_leader));
      look.during(t, asked_replica + pair.below(kSlowest));
      look.stands("r", Role::replica, "x", pair.replica(asked_replica),
                  pair.is_cut(asked_replica) ? Link::down : Link::up);
      story.round({look});
      const auto lag = story.value("replication_lag_seconds{member=r}");
      const double truth = pair.lag(asked_replica);
      const auto where = "seed " + std::to_string(seed) + " at " + std::to_string(t);
      ASSERT_TRUE(lag) << where;
      ASSERT_GE(*lag, 0) << where;
      if (pair.is_cut(asked_replica)) {
        ++cut;
        ASSERT_GT(*lag, last_cut) << where << ": it must grow";
        ASSERT_GE(*lag, truth - allowed) << where;
        last_cut = *lag;
        continue;
      }
      last_cut = 0;
      const bool at_least = story.value("replication_lag_is_lower_bound{member=r}") == 1;
      ASSERT_LE(*lag, truth + (at_least ? 0.002 : allowed)) << where;
      if (!at_least) ASSERT_GE(*lag, truth - allowed) << where;
      if (pair.replica(asked_replica) >= pair.leader(asked_leader)) {
        ++idle;
        ASSERT_EQ(*lag, 0) << where;
      }
      behind += truth > allowed;
    }
  }
  EXPECT_GT(idle, 100);
  EXPECT_GT(cut, 100);
  EXPECT_GT(behind, 100);
}

TEST(ReplicationTruth, WhatIsCalledALowerBoundIsOne) {
  int bounds = 0, dated = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Pair pair(seed);
    Story story(redis());
    // Now and then nobody can ask the leader, or the replica, for a while.
    double leader_back = 0, replica_back = 0;
    for (double t = 50'000 + pair.below(1000); t + 100 < Pair::kLength; t += 1000) {
      if (pair.below(20) < 1) leader_back = t + pair.below(20'000);
      if (pair.below(40) < 1) replica_back = t + pair.below(20'000);
      const double asked_leader = t + pair.below(kSlowest), asked_replica = t + pair.below(kSlowest);
      const bool leader = t >= leader_back, replica = t >= replica_back;
      Look look(t, asked_leader + pair.below(kSlowest));
      if (leader) look.stands("l", Role::leader, "x", pair.leader(asked_leader));
      look.during(t, asked_replica + pair.below(kSlowest));
      // It does not say that it is cut off.
      if (replica) look.stands("r", Role::replica, "x", pair.replica(asked_replica));
      story.round({look});
      if (!leader || !replica) continue;
      const auto lag = story.value("replication_lag_seconds{member=r}");
      const double truth = pair.lag(asked_replica);
      const auto where = "seed " + std::to_string(seed) + " at " + std::to_string(t);
      ASSERT_TRUE(lag) << where;
      const bool bound = story.value("replication_lag_is_lower_bound{member=r}") == 1;
      ASSERT_LE(*lag, truth + (bound ? 0.002 : (1000 + 2 * kSlowest + 5) / 1000)) << where;
      bounds += bound && *lag > 1;
      dated += !bound && *lag > 1;
    }
  }
  EXPECT_GT(bounds, 100);
  EXPECT_GT(dated, 100);
}

}  // namespace
}  // namespace qw::signals
