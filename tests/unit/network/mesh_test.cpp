#include "probes/network/mesh.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <ranges>
#include <set>

namespace qw::probes {
namespace {

using Nodes = std::vector<MeshNode>;
using Edge = std::pair<std::string, std::string>;

Nodes nodes(std::size_t count, std::size_t zones = 1) {
  Nodes out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(
        {.name = fmt::format("10.0.{}.{}", i / 250, i % 250), .zone = fmt::format("z{}", i % zones)});
  }
  return out;
}

std::set<Edge> edges(const Nodes& all, const MeshOptions& options = {}) {
  std::set<Edge> out;
  for (const auto& node : all) {
    for (const auto peer : plan_mesh(all, node.name, options).probed) out.emplace(node.name, all[peer].name);
  }
  return out;
}

std::set<std::string> names(const Nodes& all, const MeshPlan& plan) {
  std::set<std::string> out;
  for (const auto peer : plan.probed) out.insert(all[peer].name);
  return out;
}

TEST(Mesh, IsFullUpToSixteenPeers) {
  for (const std::size_t count : {1U, 2U, 3U, 17U}) {
    const auto all = nodes(count, 3);
    for (const auto& node : all) {
      const auto plan = plan_mesh(all, node.name);
      EXPECT_EQ(plan.peers, count - 1);
      EXPECT_EQ(plan.probed.size(), count - 1) << count;
      EXPECT_FALSE(names(all, plan).contains(node.name));
      EXPECT_EQ(plan.zone_pairs_covered_ratio(), 1);
    }
  }
  EXPECT_TRUE(plan_mesh({}, "nobody").probed.empty());
}

TEST(Mesh, ProbesAFixedNumberBeyondThatAndIsProbedByAsMany) {
  for (const std::size_t count : {18U, 30U, 100U, 300U}) {
    const auto all = nodes(count);
    std::map<std::string, std::size_t> probed_by;
    for (const auto& node : all) {
      const auto plan = plan_mesh(all, node.name);
      // One zone: its two delegates watch one more each, unless they do already.
      EXPECT_GE(plan.probed.size(), 10U);
      EXPECT_LE(plan.probed.size(), 11U);
      for (const auto& peer : names(all, plan)) ++probed_by[peer];
    }
    ASSERT_EQ(probed_by.size(), count) << "somebody is watched by nobody";
    const auto [least, most] = std::ranges::minmax(probed_by | std::views::values);
    EXPECT_GE(least, 6U) << count;
    EXPECT_LE(most, 14U) << count;
  }
}

/// Random lists of nodes in random zones, some with one node: whatever they are, no pair of zones goes
/// unwatched, and none is lost with the death of one node where there are others.
TEST(Mesh, WatchesEveryPairOfZones) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    Nodes all;
    const auto zones = 1 + random() % 12;
    const auto count = 18 + random() % 60;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back(
          {.name = fmt::format("node-{}-{}", round, i), .zone = fmt::format("z{}", random() % zones)});
    }
    const MeshOptions options{.full_up_to = 16, .degree = 1 + random() % 3};
    const auto plan = plan_mesh(all, all[0].name, options);
    EXPECT_EQ(plan.zone_pairs_covered, plan.zone_pairs);
    std::map<std::string, std::string> zone_of;
    std::map<std::string, std::size_t> size;
    for (const auto& node : all) ++size[zone_of[node.name] = node.zone];
    std::map<Edge, std::set<std::string>> watchers;
    for (const auto& [from, to] : edges(all, options)) watchers[{zone_of[from], zone_of[to]}].insert(from);
    for (const auto& [from, in_from] : size) {
      for (const auto& [to, in_to] : size) {
        if (from == to && in_from == 1) continue;
        EXPECT_GE(watchers[Edge(from, to)].size(), std::min<std::size_t>(in_from, 2)) << from << " " << to;
      }
    }
  }
}

TEST(Mesh, CountsThePairsOfZonesThatNobodyWatches) {
  // A watcher's own probes say nothing of zones: it has none.
  const auto all = nodes(3, 3);
  EXPECT_EQ(plan_mesh(all, "watcher").zone_pairs, 6U);
  EXPECT_EQ(plan_mesh(all, "watcher", {.full_up_to = 0, .degree = 0}).zone_pairs_covered, 6U)
      << "by the delegates of each zone";
  MeshPlan half{.probed = {}, .peers = 3, .zone_pairs = 6, .zone_pairs_covered = 3};
  EXPECT_EQ(half.zone_pairs_covered_ratio(), 0.5);
}

TEST(Mesh, IsFullWhereTheDegreeIsAsHigh) {
  const auto all = nodes(1000, 3);
  const auto plan = plan_mesh(all, all[7].name, {.full_up_to = 16, .degree = 1000});
  EXPECT_EQ(plan.probed.size(), 999U);
  EXPECT_EQ(plan.zone_pairs_covered, 9U);
}

TEST(Mesh, DoesNotDependOnTheOrderOfTheList) {
  auto all = nodes(60, 4);
  const auto before = edges(all);
  std::ranges::shuffle(all, std::mt19937_64(3));
  EXPECT_EQ(edges(all), before);
}

/// A node brings about `degree` probes in and out, and each ring moves one; nothing else may change.
TEST(Mesh, ChangesLittleWhenANodeComesOrGoes) {
  const auto all = nodes(100, 5);
  const auto with = edges(all);
  std::size_t most = 0, sum = 0;
  for (std::size_t gone = 0; gone < all.size(); gone += 7) {
    auto rest = all;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(gone));
    const auto without = edges(rest);
    std::size_t changed = 0;
    for (const auto& edge : with) {
      const bool its_own = edge.first == all[gone].name || edge.second == all[gone].name;
      changed += !its_own && !without.contains(edge);
    }
    for (const auto& edge : without) changed += !with.contains(edge);
    most = std::max(most, changed);
    sum += changed;
  }
  EXPECT_LE(most, 30U) << "of about 1000 probes";
  EXPECT_LE(sum, 15 * 18U);
}

TEST(Mesh, LeavesNoPartOfTheNodesUnseenByTheRest) {
  const auto all = nodes(80);
  const auto probes = edges(all, {.full_up_to = 16, .degree = 2});
  std::set<std::string> reached{all[0].name};
  for (std::size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const auto& [from, to] : probes) {
      if (reached.contains(from)) reached.insert(to);
    }
  }
  EXPECT_EQ(reached.size(), all.size());
}

TEST(Mesh, ANodeThatIsNotInTheListWatchesAsOthersDo) {
  const auto all = nodes(50, 2);
  const auto plan = plan_mesh(all, "watcher.example");
  EXPECT_EQ(plan.peers, 50U);
  EXPECT_EQ(plan.probed.size(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(plan.probed));
}

/// Two versions of the daemon must not disagree on who probes whom.
TEST(Mesh, IsTheSameInEveryVersion) {
  const auto all = nodes(40, 2);
  const auto plan = plan_mesh(all, "10.0.0.5", {.full_up_to = 16, .degree = 4});
  EXPECT_EQ(names(all, plan),
            (std::set<std::string>{"10.0.0.16", "10.0.0.19", "10.0.0.28", "10.0.0.6", "10.0.0.7"}));
}

TEST(Mesh, IsBounded) {
  const auto all = nodes(3000, 10);
  const auto plan = plan_mesh(all, "watcher");
  EXPECT_EQ(plan.peers, kMaxMeshNodes);
  EXPECT_EQ(plan.zone_pairs_covered_ratio(), 1);
  for (const auto peer : plan.probed) EXPECT_LT(peer, all.size());
}

}  // namespace
}  // namespace qw::probes
