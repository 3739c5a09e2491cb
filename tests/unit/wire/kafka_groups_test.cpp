#include "probes/wire/kafka_groups.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/kafka_recorded.hpp"

namespace qw::wire::kafka {
namespace {

using Partitions = std::vector<std::int32_t>;

Partitions copy(std::span<const std::int32_t> partitions) {
  return {partitions.begin(), partitions.end()};
}

TEST(KafkaGroups, ListsThemInEveryVersion) {
  for (std::int16_t version = 0; version <= 5; ++version) {
    const auto reply = ListGroupsReply::read(recorded_body("3.9.2", "ListGroups", version), version);
    ASSERT_TRUE(reply) << version;
    EXPECT_EQ(reply->error, ErrorCode::none);
    ASSERT_EQ(reply->groups.size(), 2U);
    EXPECT_EQ(reply->groups[0].name, "nightly");
    EXPECT_EQ(reply->groups[0].protocol_type, "consumer");
    EXPECT_EQ(reply->groups[0].state, version < 4 ? GroupState::unknown : GroupState::empty);
    EXPECT_EQ(reply->groups[0].type, version < 5 ? GroupType::unknown : GroupType::classic);
    EXPECT_EQ(reply->groups[1].state, version < 4 ? GroupState::unknown : GroupState::stable);
  }
}

TEST(KafkaGroups, TellsTheNewProtocolFromTheClassicOne) {
  const auto reply = ListGroupsReply::read(recorded_body("4.3.1", "ListGroups", 5), 5);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->groups.size(), 3U);
  EXPECT_EQ(reply->groups[1].type, GroupType::classic);
  EXPECT_EQ(reply->groups[2].name, "modern");
  EXPECT_EQ(reply->groups[2].type, GroupType::consumer);
}

TEST(KafkaGroups, DescribesMembersAndWhatTheyHave) {
  for (std::int16_t version = 0; version <= 5; ++version) {
    const auto reply = DescribeGroupsReply::read(recorded_body("3.9.2", "DescribeGroups", version), version);
    ASSERT_TRUE(reply) << version;
    ASSERT_EQ(reply->groups.size(), 3U);
    const auto& billing = reply->groups[0];
    EXPECT_EQ(billing.name, "billing");
    EXPECT_EQ(billing.state, GroupState::stable);
    EXPECT_EQ(billing.protocol_type, "consumer");
    EXPECT_EQ(billing.protocol, "range");
    ASSERT_EQ(reply->members(billing).size(), 1U);
    const auto& member = reply->members(billing)[0];
    EXPECT_EQ(member.client_id, "rdkafka");
    EXPECT_EQ(member.client_host, "/127.0.0.1");
    EXPECT_EQ(member.instance_id, std::nullopt);

    const auto assignment = read_assignment(member.assignment);
    ASSERT_TRUE(assignment) << assignment.error().message();
    ASSERT_EQ(assignment->topics.size(), 2U);
    EXPECT_EQ(assignment->topics[0].topic, "orders");
    EXPECT_EQ(copy(assignment->partitions(assignment->topics[0])), (Partitions{0, 1, 2}));
    EXPECT_EQ(assignment->topics[1].topic, "payments");
    EXPECT_EQ(copy(assignment->partitions(assignment->topics[1])), (Partitions{0}));

    EXPECT_EQ(reply->groups[1].state, GroupState::empty);
    EXPECT_TRUE(reply->members(reply->groups[1]).empty());
    EXPECT_EQ(reply->groups[2].name, "absent");
    EXPECT_EQ(reply->groups[2].error, ErrorCode::not_coordinator);  // another broker's
  }
}

TEST(KafkaGroups, ReadsAnAssignmentWithoutTrust) {
  const auto none = read_assignment("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->topics.empty());
  // Version 3 with an assignor's own bytes behind it.
  const auto more = read_assignment(from_hex("0003 00000001 0001 74 00000001 00000005 00000002 abcd"));
  ASSERT_TRUE(more);
  EXPECT_EQ(copy(more->partitions(more->topics[0])), Partitions{5});

  const std::string whole = from_hex("0000 00000001 0001 74 00000002 0000000500000006");
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    EXPECT_FALSE(read_assignment(cut)) << length;
  }
  EXPECT_EQ(read_assignment(whole, 2).error().kind(), ErrorKind::too_large);
  EXPECT_FALSE(read_assignment(from_hex("ffff 00000000")));
  EXPECT_FALSE(read_assignment(from_hex("0000 7fffffff 0001 74 00000000")));
  EXPECT_FALSE(read_assignment(from_hex("0000 00000001 0001 74 7fffffff 00000000")));
  EXPECT_FALSE(read_assignment(from_hex("0000 00000001 8000 00000000 00000000")));
}

TEST(KafkaGroups, DescribesTheNewProtocol) {
  for (std::int16_t version = 0; version <= 1; ++version) {
    const auto reply =
        ConsumerGroupDescribeReply::read(recorded_body("4.3.1", "ConsumerGroupDescribe", version), version);
    ASSERT_TRUE(reply) << reply.error().message();
    ASSERT_EQ(reply->groups.size(), 2U);
    EXPECT_EQ(reply->groups[0].name, "billing");  // a classic one
    EXPECT_EQ(reply->groups[0].error, ErrorCode::group_id_not_found);

    const auto& modern = reply->groups[1];
    EXPECT_EQ(modern.error, ErrorCode::none);
    EXPECT_EQ(modern.state, GroupState::stable);
    EXPECT_EQ(modern.epoch, 2);
    EXPECT_EQ(modern.assignment_epoch, 2);
    ASSERT_EQ(reply->members(modern).size(), 1U);
    const auto& member = reply->members(modern)[0];
    EXPECT_EQ(member.client_id, "console-consumer");
    EXPECT_EQ(member.epoch, 2);
    ASSERT_EQ(reply->topics(member).size(), 1U);
    const auto& topic = reply->topics(member)[0];
    EXPECT_EQ(topic.topic, "orders");
    EXPECT_EQ(copy(reply->partitions(topic)), (Partitions{0, 1, 2}));
    EXPECT_EQ(reply->all_partitions.size(), 3U);  // the target assignment is not counted with it
  }
}

TEST(KafkaGroups, KnowsTheWordsForStates) {
  EXPECT_EQ(read_group_state("PreparingRebalance"), GroupState::preparing_rebalance);
  EXPECT_EQ(read_group_state("CompletingRebalance"), GroupState::completing_rebalance);
  EXPECT_EQ(read_group_state("Dead"), GroupState::dead);
  EXPECT_EQ(read_group_state("Assigning"), GroupState::assigning);
  EXPECT_EQ(read_group_state("Reconciling"), GroupState::reconciling);
  EXPECT_EQ(read_group_state("NotReady"), GroupState::unknown);
}

}  // namespace
}  // namespace qw::wire::kafka
