#include "daemon/placement/placement.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace qw::placement {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const TargetId kEvents{.system = "kafka", .name = "events"};
constexpr Nanoseconds kInterval = 5s;

const Claim kWorking{.rounds = 9, .taken = 50s, .last_round = 2s};
const Claim kStarting{.rounds = 0, .taken = 2s};
const Claim kStuck{.rounds = 0, .taken = 16s};
const Claim kStopped{.rounds = 9, .taken = 50s, .last_round = 16s};

/// Five daemons in the order in which they come for the target.
std::vector<std::string> in_order() {
  std::vector<std::string> names{"a", "b", "c", "d", "e"}, out;
  for (const auto peer : order_of(kEvents, names)) out.push_back(names[peer]);
  return out;
}

const std::vector<std::string> kNames = in_order();

class PlacementTest : public testing::Test {
 protected:
  /// The daemon that is `rank`-th in order.
  void be(std::size_t rank) {
    placement.set_targets({{.id = kEvents, .interval = kInterval}});
    placement.set_peers({"a", "b", "c", "d", "e"}, kNames[rank]);
  }
  void alive(std::size_t rank, std::optional<Claim> claim = std::nullopt) {
    Look look{.answered = true};
    if (claim) look.claims[kEvents] = *claim;
    world[kNames[rank]] = look;
  }
  void silent(std::size_t rank) { world[kNames[rank]] = {.answered = false, .reason = "connection refused"}; }

  std::vector<Move> pass() {
    looked.clear();
    placement.begin();
    for (auto wanted = placement.next(); !wanted.empty(); wanted = placement.next()) {
      for (const auto& peer : wanted) {
        EXPECT_THAT(looked, testing::Not(testing::Contains(peer))) << "a peer is asked once a pass";
        looked.push_back(peer);
        placement.tell(peer, world.contains(peer) ? world[peer] : Look{.answered = true});
      }
    }
    return placement.end();
  }
  const Standing& standing() { return placement.standings().at(kEvents); }

  Placement placement;
  std::map<std::string, Look> world;
  std::vector<std::string> looked;
};

TEST_F(PlacementTest, WhoIsAloneAsksEverything) {
  placement.set_targets({{.id = kEvents, .interval = kInterval}});
  EXPECT_FALSE(placement.asks(kEvents)) << "not before the first pass";
  EXPECT_FALSE(standing().decided);
  EXPECT_THAT(pass(), SizeIs(1));
  EXPECT_TRUE(placement.asks(kEvents));
  EXPECT_TRUE(placement.asks({.system = "etcd", .name = "not placed"}));
}

TEST_F(PlacementTest, TheFirstInOrderTakesItWhenNobodyHasIt) {
  be(0);
  const auto moves = pass();
  ASSERT_THAT(moves, SizeIs(1));
  EXPECT_TRUE(moves[0].taken);
  EXPECT_EQ(moves[0].other, "");
  EXPECT_THAT(looked, SizeIs(4)) << "all that come after it, once, for the alerts of who has it";
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_THAT(looked, IsEmpty()) << "who has it and comes first need ask nobody";
  EXPECT_EQ(standing().taken, 1U);
}

TEST_F(PlacementTest, WhoComesLaterAsksOnlyTheOneThatHasIt) {
  be(3);
  alive(0, kWorking);
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_THAT(looked, ElementsAre(kNames[0]));
  EXPECT_EQ(standing().asker, kNames[0]);
  EXPECT_FALSE(placement.asks(kEvents));
}

TEST_F(PlacementTest, TheNextInOrderTakesItWhenTheAskerIsSilent) {
  be(1);
  alive(0, kWorking);
  pass();
  silent(0);
  const auto moves = pass();
  ASSERT_THAT(moves, SizeIs(1));
  EXPECT_TRUE(moves[0].taken);
  EXPECT_EQ(moves[0].other, kNames[0]) << "whose alerts go on here";
  EXPECT_THAT(standing().silent, ElementsAre(kNames[0]));
  EXPECT_EQ(standing().reason, "connection refused");
}

TEST_F(PlacementTest, WhoHasLivingPeersBeforeItThatDoNotAskItTakesItAllTheSame) {
  // They may have another configuration, or be about to take it: two are better than none.
  be(2);
  EXPECT_THAT(pass(), SizeIs(1));
  EXPECT_THAT(standing().silent, IsEmpty());
}

TEST_F(PlacementTest, ItIsLetGoOnlyWhenTheOneBeforeHasEndedARound) {
  be(2);
  silent(0);
  silent(1);
  ASSERT_THAT(pass(), SizeIs(1));
  alive(0, kStarting);
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_TRUE(placement.asks(kEvents));
  EXPECT_EQ(standing().asker, kNames[0]) << "both ask it, and it is said";
  alive(0, kWorking);
  const auto moves = pass();
  ASSERT_THAT(moves, SizeIs(1));
  EXPECT_FALSE(moves[0].taken);
  EXPECT_EQ(moves[0].other, kNames[0]);
  EXPECT_FALSE(placement.asks(kEvents));
}

TEST_F(PlacementTest, AClaimWithoutRoundsIsNoWork) {
  for (const auto& claim : {kStuck, kStopped}) {
    placement = Placement();
    be(1);
    alive(0, claim);
    EXPECT_THAT(pass(), SizeIs(1)) << claim.rounds;
    EXPECT_TRUE(placement.asks(kEvents));
  }
}

TEST_F(PlacementTest, WhoHasJustTakenItIsGivenTime) {
  be(1);
  alive(0, kStarting);
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_FALSE(placement.asks(kEvents));
  EXPECT_EQ(standing().asker, kNames[0]);
}

TEST_F(PlacementTest, WhoComesBackTakesItFromTheOneAfterIt) {
  be(0);
  alive(3, kWorking);
  const auto moves = pass();
  ASSERT_THAT(moves, SizeIs(1));
  EXPECT_EQ(moves[0].other, kNames[3]);
}

TEST_F(PlacementTest, APeerThatIsNotLookedAtLeavesEverythingAsItIs) {
  be(1);
  alive(0, kWorking);
  pass();
  placement.begin();
  EXPECT_THAT(placement.end(), IsEmpty()) << "the pass was cut short";
  EXPECT_EQ(standing().asker, kNames[0]);
}

TEST_F(PlacementTest, AStrangerComesAfterAll) {
  placement.set_targets({{.id = kEvents, .interval = kInterval}});
  placement.set_peers({"a", "b", "c", "d", "e"}, "f");
  alive(4, kWorking);
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_EQ(standing().asker, kNames[4]);
  silent(4);
  EXPECT_THAT(pass(), SizeIs(1));
}

TEST_F(PlacementTest, WhatIsTakenStaysTakenWhenPeersComeAndGo) {
  be(1);
  silent(0);
  ASSERT_THAT(pass(), SizeIs(1));
  placement.set_peers({"a", "b", "c", "d", "e", "f", "g"}, kNames[1]);
  EXPECT_TRUE(placement.asks(kEvents));
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_TRUE(placement.asks(kEvents));
}

TEST_F(PlacementTest, ATargetThatLeavesTheConfigurationIsForgotten) {
  be(0);
  pass();
  placement.set_targets({});
  EXPECT_THAT(placement.standings(), IsEmpty());
  EXPECT_THAT(pass(), IsEmpty());
}

TEST_F(PlacementTest, OnlyTheNextInOrderKeepACopyOfTheAlerts) {
  for (std::size_t rank = 1; rank < 5; ++rank) {
    placement = Placement();
    be(rank);
    alive(0, kWorking);
    pass();
    EXPECT_EQ(placement.is_heir(kEvents), rank <= Placement::kHeirs) << rank;
  }
}

TEST_F(PlacementTest, ALongRowOfSilentPeersIsPassedInAFewSteps) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back(std::to_string(i));
  const auto last = names[order_of(kEvents, names).back()];
  placement.set_targets({{.id = kEvents, .interval = kInterval}});
  placement.set_peers(names, last);
  placement.begin();
  int steps = 0;
  for (auto wanted = placement.next(); !wanted.empty(); wanted = placement.next(), ++steps) {
    for (const auto& peer : wanted) placement.tell(peer, {.answered = false, .reason = "timeout"});
  }
  EXPECT_LE(steps, 12);
  EXPECT_THAT(placement.end(), SizeIs(1));
  EXPECT_THAT(standing().silent, SizeIs(999));
}

}  // namespace
}  // namespace qw::placement
