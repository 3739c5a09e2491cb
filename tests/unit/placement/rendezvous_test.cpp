#include "daemon/placement/rendezvous.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace qw::placement {
namespace {

std::vector<std::string> peers(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(fmt::format("10.{}.{}.{}", i / 65536, i / 256 % 256, i % 256));
  return out;
}

TargetId target(std::size_t number) {
  return {.system = "kafka", .name = fmt::format("cluster-{}", number)};
}

TEST(Rendezvous, EverybodyFindsTheSameOrderWhateverTheListsOrder) {
  auto list = peers(50);
  const auto order = order_of(target(1), list);
  auto turned = list;
  std::ranges::reverse(turned);
  const auto other = order_of(target(1), turned);
  ASSERT_EQ(order.size(), 50U);
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(list[order[i]], turned[other[i]]);
}

TEST(Rendezvous, ThePeerOfTheHighestWeightComesFirst) {
  const auto list = peers(20);
  const auto order = order_of(target(2), list);
  EXPECT_TRUE(std::ranges::is_sorted(order, std::ranges::greater(),
                                     [&](PeerIndex peer) { return weight(target(2), list[peer]); }));
}

TEST(Rendezvous, OnlyTheTargetsOfAPeerThatGoesMove) {
  const auto list = peers(100);
  auto without = list;
  without.erase(without.begin() + 40);
  int moved = 0;
  for (std::size_t i = 0; i < 5000; ++i) {
    const auto& before = list[order_of(target(i), list).front()];
    const auto& after = without[order_of(target(i), without).front()];
    if (before == after) continue;
    EXPECT_EQ(before, list[40]);
    ++moved;
  }
  EXPECT_GT(moved, 20);
  EXPECT_LT(moved, 100);
}

/// Chi-square with 99 degrees of freedom: beyond 160 in one of 10,000 runs, and the hash never changes.
TEST(Rendezvous, TargetsAreSpreadEvenlyAlsoOverNamesThatDifferByOneDigit) {
  const auto list = peers(100);
  for (const std::size_t rank : {0U, 1U, 50U, 99U}) {
    std::map<PeerIndex, int> count;
    constexpr int kTargets = 20'000;
    for (std::size_t i = 0; i < kTargets; ++i) ++count[order_of(target(i), list)[rank]];
    double chi = 0;
    constexpr double kExpected = kTargets / 100.0;
    for (PeerIndex peer = 0; peer < 100; ++peer) {
      const double difference = count[peer] - kExpected;
      chi += difference * difference / kExpected;
    }
    EXPECT_LT(chi, 160) << "rank " << rank;
  }
}

}  // namespace
}  // namespace qw::placement
