// A thousand daemons that come, go and are cut off from each other, each with its own pass and its own view
// of the others: who asks what, how long nobody does, how long two do. Time is counted in steps of a tenth of
// the interval.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "daemon/placement/placement.hpp"

namespace qw::placement {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
constexpr std::size_t kTargets = 4;
#else
constexpr std::size_t kTargets = 16;
#endif
constexpr std::size_t kNodes = 1000;
constexpr Nanoseconds kInterval = 5s;
constexpr int kStepsAnInterval = 10;
constexpr Nanoseconds kStep = kInterval / kStepsAnInterval;

struct Node {
  Placement placement;
  bool alive = true;
  int side = 0;   ///< of a partition
  int phase = 0;  ///< at which step of the interval its pass and its rounds are
  struct Asked {
    std::uint64_t rounds = 0;
    int taken = 0, last = 0;
  };
  std::map<TargetId, Asked> asked;
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed), nodes_(kNodes) {
    for (std::size_t i = 0; i < kNodes; ++i) names_.push_back(fmt::format("node-{}", i));
    for (std::size_t i = 0; i < kTargets; ++i)
      targets_.push_back({.system = "kafka", .name = fmt::format("t{}", i)});
    for (std::size_t i = 0; i < kNodes; ++i) start(i);
  }

  void start(std::size_t i) {
    auto& node = nodes_[i];
    node = Node();
    node.side = 0;
    node.phase = static_cast<int>(random_() % kStepsAnInterval);
    std::vector<PlacedTarget> placed;
    for (const auto& target : targets_) placed.push_back({.id = target, .interval = kInterval});
    node.placement.set_targets(placed);
    node.placement.set_peers(names_, names_[i]);
    pass(i);
  }
  void kill(std::size_t i) { nodes_[i].alive = false; }
  void cut(std::size_t i, int side) { nodes_[i].side = side; }
  bool alive(std::size_t i) const { return nodes_[i].alive; }

  void step() {
    ++now_;
    for (std::size_t i = 0; i < kNodes; ++i) {
      auto& node = nodes_[i];
      if (!node.alive || now_ % kStepsAnInterval != node.phase) continue;
      for (auto& [target, asked] : node.asked) {
        ++asked.rounds;
        asked.last = now_;
      }
      pass(i);
    }
  }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
  }

  /// Who asks a target now, on one side.
  std::vector<std::size_t> askers(const TargetId& target, int side = 0) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < kNodes; ++i) {
      if (nodes_[i].alive && nodes_[i].side == side && nodes_[i].asked.contains(target)) out.push_back(i);
    }
    return out;
  }
  /// The first living one in order.
  std::size_t first(const TargetId& target, int side = 0) const {
    for (const auto peer : order_of(target, names_)) {
      if (nodes_[peer].alive && nodes_[peer].side == side) return peer;
    }
    return kNodes;
  }
  const std::vector<TargetId>& targets() const { return targets_; }
  const Standing& standing(std::size_t i, const TargetId& target) const {
    return nodes_[i].placement.standings().at(target);
  }
  std::size_t most_looks = 0;  ///< of a pass
  std::map<TargetId, int> moves;

 private:
  void pass(std::size_t i) {
    auto& node = nodes_[i];
    std::size_t looks = 0;
    node.placement.begin();
    for (auto wanted = node.placement.next(); !wanted.empty(); wanted = node.placement.next()) {
      for (const auto& name : wanted) {
        ++looks;
        node.placement.tell(name, look(node, static_cast<std::size_t>(std::stoul(name.substr(5)))));
      }
    }
    for (const auto& move : node.placement.end()) {
      ++moves[move.target];
      if (move.taken) {
        node.asked[move.target] = {.rounds = 0, .taken = now_, .last = now_};
      } else {
        node.asked.erase(move.target);
      }
    }
    most_looks = std::max(most_looks, looks);
  }
  Look look(const Node& from, std::size_t at) const {
    const auto& peer = nodes_[at];
    if (!peer.alive || peer.side != from.side) return {.answered = false, .reason = "timeout"};
    Look out{.answered = true};
    for (const auto& [target, asked] : peer.asked) {
      out.claims[target] = {.rounds = asked.rounds,
                            .taken = (now_ - asked.taken) * kStep,
                            .last_round = (now_ - asked.last) * kStep};
    }
    return out;
  }

  std::mt19937 random_;
  std::vector<Node> nodes_;
  std::vector<std::string> names_;
  std::vector<TargetId> targets_;
  int now_ = 0;
};

TEST(PlacementSimulation, AThousandThatStartTogetherAgreeWithinFourIntervals) {
  World world(1);
  world.run(4 * kStepsAnInterval);
  for (const auto& target : world.targets()) {
    EXPECT_THAT(world.askers(target), testing::ElementsAre(world.first(target))) << target.name;
  }
}

TEST(PlacementSimulation, WhereAllIsWellAPassAsksAtMostOnePeerATarget) {
  World world(2);
  world.run(4 * kStepsAnInterval);
  world.most_looks = 0;
  world.moves.clear();
  world.run(2 * kStepsAnInterval);
  EXPECT_LE(world.most_looks, kTargets);
  EXPECT_THAT(world.moves, testing::IsEmpty());
}

TEST(PlacementSimulation, AKilledDaemonsTargetsAreAskedAgainWithinAnIntervalAndNoOtherMoves) {
  World world(3);
  world.run(4 * kStepsAnInterval);
  const auto victim = world.first(world.targets().front());
  std::vector<TargetId> had;
  for (const auto& target : world.targets()) {
    if (world.first(target) == victim) had.push_back(target);
  }
  world.moves.clear();
  world.kill(victim);
  world.run(kStepsAnInterval);
  for (const auto& target : had) EXPECT_FALSE(world.askers(target).empty()) << target.name;
  world.run(3 * kStepsAnInterval);
  for (const auto& target : world.targets()) {
    EXPECT_THAT(world.askers(target), testing::ElementsAre(world.first(target)));
  }
  // Of those that are next in order several may take one for a moment, since each looks at its own time.
  EXPECT_EQ(world.moves.size(), had.size());
}

TEST(PlacementSimulation, NobodyIsNeverForLongWhileDaemonsComeAndGo) {
  World world(4);
  world.run(4 * kStepsAnInterval);
  std::mt19937 random(4);
  std::map<TargetId, int> alone, twice;
  int longest_alone = 0, longest_twice = 0;
  constexpr int kIntervals = 12;
  for (int step = 0; step < kIntervals * kStepsAnInterval; ++step) {
    // A dozen of a thousand come or go each interval: a roll-out of an hour, or a bad day.
    if (step % kStepsAnInterval == 0) {
      for (int i = 0; i < 12; ++i) {
        const auto node = random() % kNodes;
        if (world.alive(node)) {
          world.kill(node);
        } else {
          world.start(node);
        }
      }
    }
    world.step();
    for (const auto& target : world.targets()) {
      const auto count = world.askers(target).size();
      alone[target] = count == 0 ? alone[target] + 1 : 0;
      twice[target] = count > 1 ? twice[target] + 1 : 0;
      longest_alone = std::max(longest_alone, alone[target]);
      longest_twice = std::max(longest_twice, twice[target]);
    }
  }
  EXPECT_LE(longest_alone, kStepsAnInterval) << "nobody, for longer than a pass";
  EXPECT_LE(longest_twice, 3 * kStepsAnInterval) << "two, for longer than it takes to see each other work";
}

TEST(PlacementSimulation, BothSidesOfAPartitionAskAndTheSideThatLostTheFirstSaysSo) {
  World world(5);
  world.run(4 * kStepsAnInterval);
  for (std::size_t i = 0; i < kNodes; ++i) world.cut(i, i % 5 < 2 ? 1 : 0);
  world.run(4 * kStepsAnInterval);
  for (const auto& target : world.targets()) {
    for (const int side : {0, 1}) {
      const auto first = world.first(target, side);
      EXPECT_THAT(world.askers(target, side), testing::ElementsAre(first)) << target.name << " side " << side;
      const bool other_comes_first =
          world.first(target, 1 - side) != first && !world.standing(first, target).silent.empty();
      const bool is_first_of_all = world.standing(first, target).silent.empty();
      EXPECT_NE(other_comes_first, is_first_of_all);
    }
    const auto a = world.standing(world.first(target, 0), target),
               b = world.standing(world.first(target, 1), target);
    EXPECT_NE(a.silent.empty(), b.silent.empty()) << "one of the two knows that it may be the second";
  }
  for (std::size_t i = 0; i < kNodes; ++i) world.cut(i, 0);
  world.run(4 * kStepsAnInterval);
  for (const auto& target : world.targets()) {
    EXPECT_THAT(world.askers(target), testing::ElementsAre(world.first(target))) << "healed";
  }
}

}  // namespace
}  // namespace qw::placement
