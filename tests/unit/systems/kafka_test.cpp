// Rounds of the Kafka probe against scripted brokers.
#include <gmock/gmock.h>

#include <random>

#include "probes/target.hpp"
#include "tests/unit/systems/kafka_fixture.hpp"

namespace qw::probes {
namespace {

using namespace std::chrono_literals;
using qw::testing::Api;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using KafkaRound = KafkaFixture;

/// What a busy machine may take to come back to us.
constexpr Nanoseconds kGrace = 100ms;

TEST_F(KafkaRound, TellsGroupsCommitsAndEnds) {
  topic("orders", {1, 2});
  auto& shop = group(broker(1), "shop", "orders", 40);
  shop.commits["orders"][1] = 50;
  group(broker(2), "billing", "orders", 60);
  watch();
  const Facts facts = ask();
  EXPECT_TRUE(facts.unanswered.empty());
  ASSERT_EQ(facts.groups.size(), 2U);
  const auto* told = group_in(facts, "shop");
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->state, ConsumerState::stable);
  EXPECT_EQ(told->coordinator, broker(1).address());
  EXPECT_EQ(told->members, 1U);
  EXPECT_TRUE(told->generation);
  ASSERT_EQ(told->topics.size(), 1U);
  EXPECT_THAT(told->topics[0].assigned, ElementsAre(0));
  ASSERT_EQ(told->topics[0].commits.size(), 2U);
  EXPECT_EQ(told->topics[0].commits[1].committed, 50U);
  for (const int partition : {0, 1}) {
    const auto* log = log_in(facts, "orders", partition);
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->end, 100U);
    EXPECT_EQ(log->stable_end, 100U);
    EXPECT_EQ(log->start, 10U);
    EXPECT_FALSE(log->leaderless);
  }
  EXPECT_EQ(facts.topics[0].retention, Nanoseconds(168h));
  EXPECT_FALSE(facts.topics[0].compacted);
  EXPECT_EQ(facts.round_trips.size(), 2U);
}

TEST_F(KafkaRound, AsksCommitsBeforeEndsSoThatNoLagIsBelowZero) {
  topic("orders", {1, 2});
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "billing", "orders", 60);
  watch();
  const Facts facts = ask();
  ASSERT_EQ(facts.groups.size(), 2U);
  for (const auto& told : facts.groups) {
    for (const int partition : {0, 1})
      EXPECT_LE(told.asked.received, log_in(facts, "orders", partition)->asked_end.sent);
  }
}

TEST_F(KafkaRound, AsksNothingThatTheFiltersLeaveOut) {
  topic("orders", {1});
  topic("noise", {2});
  group(broker(1), "shop", "orders", 40).commits["noise"][0] = 1;
  group(broker(2), "console-1", "noise", 60);
  watch("groups: {exclude: ['console-.*']}, topics: {include: ['ord.*']}");
  const Facts facts = ask();
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(committed_in(facts, "shop"), 40U);
  ASSERT_EQ(facts.topics.size(), 1U);
  EXPECT_EQ(broker(2).count(Api::offset_fetch), 0U);
  EXPECT_EQ(broker(2).count(Api::list_offsets), 0U);
}

TEST_F(KafkaRound, LeavesOutTopicsThatNoGroupReads) {
  topic("orders", {1});
  topic("unread", {2});
  group(broker(1), "shop", "orders", 40);
  broker(2);
  watch();
  EXPECT_EQ(ask().topics.size(), 1U);
  EXPECT_EQ(broker(2).count(Api::list_offsets), 0U);
}

TEST_F(KafkaRound, ASilentBrokerDarkensOnlyItsShare) {
  topic("orders", {1, 2});
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "billing", "orders", 60);
  watch();
  ask();
  broker(2).silent = {Api::api_versions, Api::metadata, Api::list_groups, Api::offset_fetch,
                      Api::list_offsets};
  for (int round = 0; round < 2; ++round) {
    const SteadyTime begin = clock_.steady();
    const Facts facts = ask(400ms);
    EXPECT_LT(clock_.steady() - begin, 400ms);
    EXPECT_EQ(committed_in(facts, "shop"), 40U);
    EXPECT_EQ(group_in(facts, "billing"), nullptr);
    EXPECT_EQ(log_in(facts, "orders", 0)->end, 100U);
    EXPECT_FALSE(log_in(facts, "orders", 1)->end);
    EXPECT_FALSE(log_in(facts, "orders", 1)->leaderless);
    ASSERT_NE(silent_in(facts, broker(2).address()), nullptr);
    EXPECT_THAT(silent_in(facts, broker(2).address())->error.message(), HasSubstr("groups and offsets: "));
    EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_broker_up", broker(2).address()), 0);
    EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_broker_up", broker(1).address()), 1);
  }
  broker(2).silent.clear();
  ask();
  const Facts facts = ask();
  EXPECT_EQ(committed_in(facts, "billing"), 60U);
  EXPECT_EQ(log_in(facts, "orders", 1)->end, 100U);
  EXPECT_TRUE(facts.unanswered.empty());
}

TEST_F(KafkaRound, ABrokerThatFallsSilentAmidTheRoundKeepsWhatItSaid) {
  topic("orders", {1, 2});
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "billing", "orders", 60);
  broker(2).silent = {Api::list_offsets};
  watch();
  const Facts facts = ask(300ms);
  EXPECT_EQ(committed_in(facts, "billing"), 60U);
  EXPECT_EQ(log_in(facts, "orders", 0)->end, 100U);
  EXPECT_FALSE(log_in(facts, "orders", 1)->end);
  ASSERT_NE(silent_in(facts, broker(2).address()), nullptr);
  EXPECT_THAT(silent_in(facts, broker(2).address())->error.message(), HasSubstr("ends of its partitions: "));
}

TEST_F(KafkaRound, NeverTakesALateAnswerForTheNextRounds) {
  auto& orders = topic("orders", {1});
  auto& shop = group(broker(1), "shop", "orders", 40);
  watch();
  ask();
  const std::size_t connections = broker(1).connections();
  broker(1).slow[Api::offset_fetch] = 250ms;
  const Facts dark = ask(200ms);
  EXPECT_EQ(group_in(dark, "shop"), nullptr);
  broker(1).slow.clear();
  shop.commits["orders"][0] = 70;
  orders.partitions[0].end = 200;
  const Facts facts = ask();
  EXPECT_EQ(committed_in(facts, "shop"), 70U);
  EXPECT_EQ(log_in(facts, "orders", 0)->end, 200U);
  EXPECT_EQ(broker(1).connections(), connections + 1);
}

TEST_F(KafkaRound, RefusesRepliesThatAreHugeOrCutShort) {
  topic("orders", {1, 2});
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "billing", "orders", 60);
  watch();
  broker(2).huge = {Api::list_groups};
  Facts facts = ask();
  EXPECT_EQ(committed_in(facts, "shop"), 40U);
  ASSERT_NE(silent_in(facts, broker(2).address()), nullptr);
  EXPECT_EQ(silent_in(facts, broker(2).address())->error.kind(), ErrorKind::too_large);
  broker(2).huge.clear();
  ask();
  broker(2).halves = {Api::offset_fetch};
  facts = ask(300ms);
  EXPECT_EQ(group_in(facts, "billing"), nullptr);
  ASSERT_NE(silent_in(facts, broker(2).address()), nullptr);
  EXPECT_EQ(silent_in(facts, broker(2).address())->error.kind(), ErrorKind::timeout);
  broker(2).halves.clear();
  ask();
  broker(2).drops = {Api::list_offsets};
  facts = ask();
  EXPECT_EQ(committed_in(facts, "billing"), 60U);
  EXPECT_FALSE(log_in(facts, "orders", 1)->end);
  EXPECT_EQ(silent_in(facts, broker(2).address())->error.kind(), ErrorKind::refused);
}

TEST_F(KafkaRound, ReplacesAConnectionThatWasClosedBetweenRounds) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  watch();
  ask();
  broker(1).hang_up();
  const Facts facts = ask();
  EXPECT_EQ(committed_in(facts, "shop"), 40U);
  EXPECT_TRUE(facts.unanswered.empty());
}

TEST_F(KafkaRound, LooksForTheNewLeaderOnceAndNeverInventsAnEnd) {
  topic("orders", {1, 2});
  group(broker(1), "shop", "orders", 40);
  watch();
  ask();
  broker(2).error[Api::list_offsets] = 6;  // NOT_LEADER_OR_FOLLOWER
  const std::size_t before = broker(1).count(Api::metadata) + broker(2).count(Api::metadata);
  const Facts facts = ask();
  EXPECT_EQ(broker(1).count(Api::metadata) + broker(2).count(Api::metadata), before + 2);
  EXPECT_EQ(log_in(facts, "orders", 0)->end, 100U);
  EXPECT_FALSE(log_in(facts, "orders", 1)->end);
}

TEST_F(KafkaRound, FollowsAGroupThatHasMovedToAnotherCoordinator) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "shop", "orders", 41);
  broker(1).moved_coordinator = true;
  broker(2).unlisted = {"shop"};
  watch();
  const Facts facts = ask();
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].coordinator, broker(2).address());
  EXPECT_EQ(committed_in(facts, "shop"), 41U);
}

TEST_F(KafkaRound, AGroupThatTwoBrokersListIsToldByItsCoordinatorOnce) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "shop", "orders", 41);
  watch();
  const Facts facts = ask();
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(committed_in(facts, "shop"), 41U);
}

TEST_F(KafkaRound, AnErrorOfTheCoordinatorLeavesItsGroupsOutAndSaysSo) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  broker(1).error[Api::offset_fetch] = 14;  // COORDINATOR_LOAD_IN_PROGRESS
  watch();
  const Facts facts = ask();
  EXPECT_TRUE(facts.groups.empty());
  ASSERT_NE(silent_in(facts, broker(1).address()), nullptr);
  EXPECT_THAT(silent_in(facts, broker(1).address())->error.message(), HasSubstr("LOAD_IN_PROGRESS"));
}

TEST_F(KafkaRound, SpeaksToBrokersOfVersion2) {
  auto& orders = topic("orders", {1, 2});
  orders.partitions[0].stable_end = 90;
  group(broker(1), "shop", "orders", 40);
  group(broker(1), "audit", "orders", 41);
  group(broker(2), "audit", "orders", 42);
  for (const int id : {1, 2}) {
    broker(id).versions = {{Api::api_versions, {0, 2}},
                           {Api::metadata, {0, 6}},
                           {Api::list_groups, {0, 2}},
                           {Api::find_coordinator, {0, 2}},
                           {Api::describe_groups, {0, 3}},
                           {Api::offset_fetch, {0, 5}},
                           {Api::list_offsets, {0, 3}},
                           {Api::describe_configs, {0, 2}},
                           {Api::consumer_group_describe, {0, -1}}};
  }
  watch();
  const Facts facts = ask();
  EXPECT_TRUE(facts.unanswered.empty()) << facts.unanswered.front().error.message();
  EXPECT_EQ(broker(1).version_asked(Api::offset_fetch), 5);
  EXPECT_EQ(committed_in(facts, "shop"), 40U);
  EXPECT_EQ(committed_in(facts, "audit"), 42U);
  EXPECT_EQ(group_in(facts, "shop")->state, ConsumerState::stable);
  EXPECT_EQ(log_in(facts, "orders", 0)->end, 100U);
  EXPECT_EQ(log_in(facts, "orders", 0)->stable_end, 90U);
  EXPECT_EQ(facts.topics[0].retention, Nanoseconds(168h));
}

TEST_F(KafkaRound, TellsALivingGroupOfTheNewProtocolFromADeadOne) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40).type = "consumer";
  broker(1).groups["gone"].state = "Dead";
  for (const bool types_listed : {true, false}) {
    if (!types_listed) broker(1).versions[Api::list_groups] = {0, 4};
    watch();
    const Facts facts = ask();
    EXPECT_EQ(group_in(facts, "shop")->state, ConsumerState::stable) << types_listed;
    EXPECT_EQ(group_in(facts, "shop")->members, 1U);
    EXPECT_EQ(group_in(facts, "shop")->generation, 1U);
    EXPECT_THAT(group_in(facts, "shop")->topics[0].assigned, ElementsAre(0));
    EXPECT_EQ(group_in(facts, "gone")->state, ConsumerState::dead);
  }
}

TEST_F(KafkaRound, ARebalanceGivesAnotherGenerationAndAReorderedListDoesNot) {
  topic("orders", {1, 1});
  auto& shop = group(broker(1), "shop", "orders", 40);
  shop.members.push_back({"second", {{"orders", {1}}}});
  watch();
  const auto before = group_in(ask(), "shop")->generation;
  std::ranges::reverse(shop.members);
  EXPECT_EQ(group_in(ask(), "shop")->generation, before);
  shop.state = "PreparingRebalance";
  const Facts amid = ask();
  EXPECT_EQ(group_in(amid, "shop")->state, ConsumerState::rebalancing);
  EXPECT_FALSE(group_in(amid, "shop")->generation);
  shop.state = "Stable";
  shop.members = {{"second", {{"orders", {0, 1}}}}};
  const auto after = group_in(ask(), "shop")->generation;
  EXPECT_TRUE(after);
  EXPECT_NE(after, before);
}

TEST_F(KafkaRound, LeavesOutGroupsThatAreNoConsumers) {
  topic("orders", {1});
  group(broker(1), "connect-cluster", "orders", 1).protocol_type = "connect";
  group(broker(1), "queue", "orders", 1).type = "share";
  group(broker(1), "only-commits", "orders", 7).protocol_type = "";
  watch();
  const Facts facts = ask();
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(committed_in(facts, "only-commits"), 7U);
}

TEST_F(KafkaRound, AsksForTheStartAtOnceWhereSomebodyIsBehind) {
  auto& orders = topic("orders", {1, 1});
  auto& shop = group(broker(1), "shop", "orders", 40);
  shop.commits["orders"][1] = 100;
  watch();
  ask();
  orders.partitions[0].start = orders.partitions[1].start = 60;
  const Facts facts = ask();
  EXPECT_EQ(log_in(facts, "orders", 0)->start, 60U);
  EXPECT_EQ(log_in(facts, "orders", 1)->start, 10U) << "nobody is behind: asked every tenth round";
}

TEST_F(KafkaRound, ReadsRetentionOnlyWhereMessagesAreDeletedByAge) {
  topic("orders", {1}).cleanup_policy = "compact";
  topic("forever", {1}).retention_ms = "-1";
  topic("hidden", {1});
  for (const auto* name : {"orders", "forever", "hidden"}) group(broker(1), name, name, 40);
  watch();
  const Facts facts = ask();
  const auto* compacted = find_in(facts.topics, &TopicLog::topic, std::string("orders"));
  EXPECT_TRUE(compacted->compacted);
  EXPECT_FALSE(compacted->retention);
  EXPECT_FALSE(find_in(facts.topics, &TopicLog::topic, std::string("forever"))->retention);
}

TEST_F(KafkaRound, WithoutTheRightToReadConfigurationsNothingElseIsMissing) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  broker(1).error[Api::describe_configs] = 29;  // TOPIC_AUTHORIZATION_FAILED
  watch();
  const Facts facts = ask();
  EXPECT_FALSE(facts.topics.at(0).retention);
  EXPECT_EQ(log_in(facts, "orders", 0)->end, 100U);
  EXPECT_TRUE(facts.unanswered.empty());
}

TEST_F(KafkaRound, ATopicThatWasMadeAgainHasAnotherIdentity) {
  auto& orders = topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  watch();
  const std::string before = ask().topics.at(0).identity;
  EXPECT_FALSE(before.empty());
  orders.id = 2;
  EXPECT_NE(ask().topics.at(0).identity, before);
}

TEST_F(KafkaRound, CountsPartitionsInTrouble) {
  auto& orders = topic("orders", {1, 2, -1});
  orders.partitions[0].replicas = {2, 1};
  orders.partitions[0].in_sync = {1};
  orders.partitions[2].replicas = {3};
  orders.partitions[2].in_sync = {};
  group(broker(1), "shop", "orders", 40);
  broker(2);
  watch();
  const Facts facts = ask();
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_brokers"), 2);
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_partitions"), 3);
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_partitions_leaderless"), 1);
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_partitions_under_replicated"), 2);
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_partitions_not_preferred"), 1);
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_broker_partitions_led", broker(2).address()), 1);
  EXPECT_TRUE(log_in(facts, "orders", 2)->leaderless);
  EXPECT_FALSE(log_in(facts, "orders", 2)->end);
  // Broker 3 holds the only replica of a partition, and nobody has told its address.
  EXPECT_NE(silent_in(facts, "broker 3"), nullptr);
  EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_broker_up", "broker 3"), 0);
}

TEST_F(KafkaRound, ABrokerThatTheClusterHasLostIsStillAsked) {
  topic("orders", {1, 2});
  group(broker(1), "shop", "orders", 40);
  watch();
  broker(2);
  ask();
  cluster_.alive.erase(2);
  broker(2).drops = {Api::api_versions};
  broker(2).hang_up();
  for (int round = 0; round < 2; ++round) {
    const Facts facts = ask();
    ASSERT_NE(silent_in(facts, broker(2).address()), nullptr);
    EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_brokers"), 1);
    EXPECT_EQ(reading_in(facts, "quorumwatch_kafka_broker_up", broker(2).address()), 0);
  }
}

TEST_F(KafkaRound, FailsWhenNobodyAnswersWhateverTheProbeKnowsItself) {
  topic("orders", {1, 2});
  broker(2);
  watch("canary: {}");
  broker(1).drops = broker(2).drops = {Api::api_versions};
  Facts facts = ask();
  EXPECT_TRUE(facts.readings.empty()) << "the canary is no witness of the cluster";
  EXPECT_FALSE(facts.unanswered.empty());

  watch();
  broker(1).drops.clear();
  broker(2).drops.clear();
  Target target({.system = "kafka", .name = "lab"}, std::move(probe_), clock_);
  const auto measure = [&] { return run(target.measure(clock_.steady() + 5s)); };
  EXPECT_TRUE(measure().success);
  for (const std::int32_t id : {1, 2}) {
    broker(id).drops = {Api::api_versions};
    broker(id).hang_up();
  }
  Round dark;
  for (int round = 0; round < 2; ++round) dark = measure();
  EXPECT_FALSE(dark.success);
  ASSERT_EQ(dark.samples.size(), 1U) << "broker_up is 0 beside a broker that answers, and else unknown";
  EXPECT_EQ(dark.samples[0].value, 0);
  EXPECT_THAT(dark.reason, HasSubstr("no member answered: "));
  broker(2).drops.clear();
  for (int round = 0; round < 2; ++round) dark = measure();
  EXPECT_TRUE(dark.success);
}

TEST_F(KafkaRound, BeginsAtAnyBootstrapAddressThatAnswers) {
  topic("orders", {1});
  group(broker(1), "shop", "orders", 40);
  std::string closed;
  {
    asio::ip::tcp::acceptor unused(io_, {asio::ip::address_v4::loopback(), 0});
    closed = "127.0.0.1:" + std::to_string(unused.local_endpoint().port());
  }
  configure("bootstrap: [" + closed + ", " + broker(1).address() + "]");
  const Facts facts = ask();
  EXPECT_EQ(committed_in(facts, "shop"), 40U);
  ASSERT_NE(silent_in(facts, closed), nullptr);
  EXPECT_THAT(silent_in(facts, closed)->error.message(), HasSubstr("connection refused"));
}

TEST_F(KafkaRound, OnAZooKeeperClusterEachBrokerNamesTheController) {
  topic("orders", {1});
  cluster_.controller = 2;
  for (const int id : {1, 2}) broker(id).versions[Api::describe_quorum] = {0, -1};
  watch();
  const Facts facts = ask();
  ASSERT_EQ(facts.claims.size(), 2U);
  const auto* leader = find_in(facts.claims, &LeadershipClaim::member, broker(2).address());
  const auto* other = find_in(facts.claims, &LeadershipClaim::member, broker(1).address());
  EXPECT_EQ(leader->claim, Claim::leader);
  EXPECT_EQ(other->claim, Claim::not_leader);
  EXPECT_EQ(other->follows, broker(2).address());
}

TEST_F(KafkaRound, OnAKRaftClusterNobodyIsAskedForTheController) {
  cluster_.controller = 2;
  broker(2);
  watch();
  EXPECT_TRUE(ask().claims.empty());
}

TEST_F(KafkaRound, FindsOffsetsByTime) {
  auto& orders = topic("orders", {1, 2});
  orders.partitions[0].at = {{1000, 20}, {2000, 30}};
  group(broker(1), "shop", "orders", 40);
  group(broker(2), "billing", "orders", 40);
  watch();
  ask();
  const auto at = [](std::int32_t partition, std::chrono::microseconds when) {
    return OffsetQuestion{"orders", partition, WallTime(when)};
  };
  const Facts facts = ask(5s, Question({at(0, 1000ms), at(0, 1000001us), at(0, 3s), at(1, 1s), at(7, 1s)}));
  ASSERT_EQ(facts.offsets.size(), 4U);
  EXPECT_TRUE(facts.groups.empty());
  std::map<std::pair<int, std::int64_t>, OffsetAt> by;
  for (const auto& answer : facts.offsets)
    by[{answer.question.partition, answer.question.at.time_since_epoch() / 1us}] = answer;
  EXPECT_EQ((by[{0, 1000000}].offset), 20U);
  EXPECT_EQ((by[{0, 1000000}].timestamp), WallTime(1s));
  EXPECT_EQ((by[{0, 1000001}].offset), 30U) << "at or after: never rounded down";
  EXPECT_FALSE((by[{0, 3000000}].offset));
  EXPECT_FALSE((by[{1, 1000000}].offset));
}

TEST_F(KafkaRound, NobodyAtAllIsToldWithTheReason) {
  broker(1).drops = {Api::api_versions};
  watch();
  const Facts facts = ask();
  ASSERT_EQ(facts.unanswered.size(), 1U);
  EXPECT_EQ(facts.unanswered[0].member, broker(1).address());
  EXPECT_TRUE(facts.readings.empty());
}

/// What brokers may do wrong, drawn anew each round.
TEST_F(KafkaRound, WhateverGoesWrongNoRoundPassesItsDeadlineAndNoNumberIsWrong) {
  topic("orders", {1, 2, 3});
  for (const int id : {1, 2, 3}) {
    auto& made = group(broker(id), "group-" + std::to_string(id), "orders", 40);
    made.commits["orders"] = {{0, 40}, {1, 41}, {2, 42}};
  }
  watch();
  ask();
  const std::vector<Api> apis{Api::api_versions,    Api::metadata,     Api::list_groups,
                              Api::describe_groups, Api::offset_fetch, Api::list_offsets};
  // The same troubles in each run; others with --gtest_shuffle --gtest_repeat=17, which makes a thousand
  // rounds.
  std::mt19937 random(static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed()) + 4U);
  const auto draw = [&random](std::size_t below) { return random() % below; };
  for (int round = 0; round < 60; ++round) {
    for (const int id : {1, 2, 3}) {
      auto& one = broker(id);
      one.silent.clear();
      one.drops.clear();
      one.halves.clear();
      one.huge.clear();
      one.error.clear();
      one.slow.clear();
      const Api api = apis[draw(apis.size())];
      switch (draw(8)) {
        case 0:
          one.silent = {api};
          break;
        case 1:
          one.drops = {api};
          break;
        case 2:
          one.halves = {api};
          break;
        case 3:
          one.huge = {api};
          break;
        case 4:
          one.error[api] = 16;
          break;
        case 5:
          one.slow[api] = 30ms;
          break;
        case 6:
          one.hang_up();
          break;
        default:
          break;
      }
    }
    const SteadyTime begin = clock_.steady();
    const Facts facts = ask(100ms);
    EXPECT_LT(clock_.steady() - begin, 100ms + kGrace) << "round " << round;
    for (const auto& one : facts.groups) {
      ASSERT_EQ(one.topics.size(), 1U);
      ASSERT_EQ(one.topics[0].commits.size(), 3U);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(one.topics[0].commits[i].committed, 40 + i);
    }
    for (const auto& log : facts.topics) {
      for (const auto& partition : log.partitions) EXPECT_EQ(partition.end.value_or(100), 100U);
    }
  }
  for (const int id : {1, 2, 3}) {
    auto& one = broker(id);
    one.silent.clear();
    one.drops.clear();
    one.halves.clear();
    one.huge.clear();
    one.error.clear();
    one.slow.clear();
  }
  ask();
  const Facts facts = ask();
  EXPECT_TRUE(facts.unanswered.empty());
  EXPECT_EQ(facts.groups.size(), 3U);
}

}  // namespace
}  // namespace qw::probes
