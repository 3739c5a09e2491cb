// The controllers of a KRaft quorum, scripted.
#include <gmock/gmock.h>

#include "tests/unit/systems/kafka_fixture.hpp"

namespace qw::probes {
namespace {

using namespace std::chrono_literals;
using qw::testing::Api;

class KafkaControllersTest : public KafkaFixture {
 protected:
  /// Controllers 101, 102 and 103, of which the first one leads in epoch 5.
  void SetUp() override {
    for (const int id : {101, 102, 103}) {
      controllers_.push_back(std::make_unique<Scripted>(io_, cluster_, id));
      controllers_.back()->quorum = {101, 5, false, {{101, 900}, {102, 890}, {103, 100}}};
    }
    for (auto& one : controllers_) {
      for (auto& other : controllers_) one->controllers.push_back(other.get());
    }
  }
  void TearDown() override {
    for (auto& one : controllers_) run(stopped(*one));
    KafkaFixture::TearDown();
  }
  void watch_controllers() {
    std::string list;
    for (const auto& one : controllers_) list += (list.empty() ? "" : ", ") + one->address();
    watch("controllers: [" + list + "], quorum_fetch_timeout: 1s");
  }
  Scripted& controller(std::size_t i) { return *controllers_[i]; }
  const LeadershipClaim* claim_of(const Facts& facts, std::size_t i) {
    return find_in(facts.claims, &LeadershipClaim::member, controller(i).address());
  }

 private:
  static Task<bool> stopped(Scripted& one) {
    co_await one.stop();
    co_return true;
  }
  std::vector<std::unique_ptr<Scripted>> controllers_;
};

TEST_F(KafkaControllersTest, EachTellsWhomItFollowsInWhichEpoch) {
  watch_controllers();
  const Facts facts = ask();
  ASSERT_EQ(facts.claims.size(), 3U);
  EXPECT_EQ(claim_of(facts, 0)->claim, Claim::leader);
  EXPECT_EQ(claim_of(facts, 0)->tenure.epoch, 5U);
  EXPECT_EQ(claim_of(facts, 0)->tenure.lineage, "scripted");
  EXPECT_EQ(claim_of(facts, 2)->claim, Claim::not_leader);
  EXPECT_EQ(claim_of(facts, 2)->follows, controller(0).address());
  EXPECT_EQ(claim_of(facts, 2)->tenure.epoch, 5U);
  EXPECT_EQ(facts.memberships.at(0).voters, 3U);
  EXPECT_EQ(facts.traits.fencing, Fencing::fenced);
  EXPECT_EQ(facts.traits.settling, Nanoseconds(1500ms));
  EXPECT_EQ(facts.traits.election_timeout, Nanoseconds(1s));
}

TEST_F(KafkaControllersTest, TheLeaderTellsHowFarEachVoterIs) {
  watch_controllers();
  const Facts facts = ask();
  ASSERT_EQ(facts.positions.size(), 3U);
  const auto* last = find_in(facts.positions, &ReplicaPosition::member, controller(2).address());
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->position, 100U);
  EXPECT_EQ(last->role, Role::replica);
  EXPECT_EQ(last->unit, PositionUnit::entries);
  EXPECT_EQ(last->reported_by, controller(0).address());
}

TEST_F(KafkaControllersTest, TwoThatClaimAreBothReported) {
  controller(1).quorum = {102, 7, false, {{101, 950}, {102, 960}, {103, 960}}};
  controller(2).quorum = controller(1).quorum;
  watch_controllers();
  const Facts facts = ask();
  EXPECT_EQ(claim_of(facts, 0)->claim, Claim::leader);
  EXPECT_EQ(claim_of(facts, 0)->tenure.epoch, 5U);
  EXPECT_EQ(claim_of(facts, 1)->claim, Claim::leader);
  EXPECT_EQ(claim_of(facts, 1)->tenure.epoch, 7U);
  EXPECT_EQ(claim_of(facts, 2)->follows, controller(1).address());
}

TEST_F(KafkaControllersTest, OneThatKnowsNoLeaderFollowsNobody) {
  for (const int i : {0, 1, 2}) controller(static_cast<std::size_t>(i)).quorum = {-1, 6, false, {}};
  watch_controllers();
  const Facts facts = ask();
  ASSERT_EQ(facts.claims.size(), 3U);
  EXPECT_EQ(claim_of(facts, 1)->claim, Claim::not_leader);
  EXPECT_FALSE(claim_of(facts, 1)->follows);
  EXPECT_EQ(claim_of(facts, 1)->tenure.epoch, 6U);
  EXPECT_TRUE(facts.positions.empty());
}

TEST_F(KafkaControllersTest, OneThatMayNotSayWhomItFollowsIsNotTakenForLeaderless) {
  constexpr std::int16_t kClusterAuthorizationFailed = 31;
  for (const int i : {0, 1, 2})
    controller(static_cast<std::size_t>(i)).error[Api::fetch] = kClusterAuthorizationFailed;
  watch_controllers();
  const Facts facts = ask();
  ASSERT_EQ(facts.claims.size(), 3U);
  EXPECT_EQ(claim_of(facts, 0)->claim, Claim::leader);
  EXPECT_EQ(claim_of(facts, 1)->claim, Claim::not_leader);
  EXPECT_FALSE(claim_of(facts, 1)->names_leader);
}

TEST_F(KafkaControllersTest, OneThatHasResignedLeadsNoMoreThoughItNamesItself) {
  controller(0).quorum.resigned = true;
  watch_controllers();
  const Facts facts = ask();
  EXPECT_EQ(claim_of(facts, 0)->claim, Claim::not_leader);
  EXPECT_FALSE(claim_of(facts, 0)->follows);
  EXPECT_EQ(claim_of(facts, 0)->tenure.epoch, 5U);
}

TEST_F(KafkaControllersTest, ASecondLookAsksOneControllerAndNobodyElse) {
  watch_controllers();
  ask();
  const auto brokers_asked = broker(1).count(Api::list_groups);
  const auto others_asked = controller(1).count(Api::describe_quorum);
  const Facts facts = ask(1s, Question(std::vector{controller(0).address()}));
  ASSERT_EQ(facts.claims.size(), 1U);
  EXPECT_EQ(facts.claims[0].claim, Claim::leader);
  EXPECT_EQ(broker(1).count(Api::list_groups), brokers_asked);
  EXPECT_EQ(controller(1).count(Api::describe_quorum), others_asked);
}

TEST_F(KafkaControllersTest, ASilentOneIsUnknownAndLeavesTimeForSecondLooks) {
  watch_controllers();
  ask();
  controller(0).silent = {Api::describe_quorum};
  const SteadyTime begin = clock_.steady();
  const Facts facts = ask(400ms);
  EXPECT_LT(clock_.steady() - begin, 300ms);
  EXPECT_EQ(claim_of(facts, 0), nullptr);
  EXPECT_EQ(facts.claims.size(), 2U);
  ASSERT_NE(silent_in(facts, controller(0).address()), nullptr);
  EXPECT_EQ(silent_in(facts, controller(0).address())->error.kind(), ErrorKind::timeout);
}

TEST_F(KafkaControllersTest, BeforeDescribeClusterTheIdsAreLearntFromWhoLeads) {
  for (const std::size_t i : {0U, 1U, 2U}) controller(i).versions[Api::describe_cluster] = {0, 0};
  watch_controllers();
  const Facts facts = ask();
  EXPECT_EQ(claim_of(facts, 1)->follows, controller(0).address());
  EXPECT_NE(find_in(facts.positions, &ReplicaPosition::member, std::string("controller 102")), nullptr);
}

TEST_F(KafkaControllersTest, ABrokerListedAsAControllerIsToldApart) {
  controller(0).versions[Api::describe_quorum] = {0, -1};
  watch_controllers();
  const Facts facts = ask();
  ASSERT_NE(silent_in(facts, controller(0).address()), nullptr);
  EXPECT_THAT(silent_in(facts, controller(0).address())->error.message(),
              ::testing::HasSubstr("no controller"));
}

}  // namespace
}  // namespace qw::probes
