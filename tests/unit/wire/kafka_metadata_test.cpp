#include "probes/wire/kafka_metadata.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "probes/wire/kafka_api_versions.hpp"
#include "probes/wire/kafka_cluster.hpp"
#include "probes/wire/kafka_configs.hpp"
#include "probes/wire/kafka_coordinator.hpp"
#include "tests/unit/wire/kafka_recorded.hpp"

namespace qw::wire::kafka {
namespace {

const MetadataReply::Topic& topic(const MetadataReply& reply, std::string_view name) {
  return *std::ranges::find(reply.topics, name, &MetadataReply::Topic::name);
}

TEST(KafkaMetadata, ReadsBrokersAndTopicsInEveryVersion) {
  for (std::int16_t version = 4; version <= 12; ++version) {
    const auto reply = MetadataReply::read(recorded_body("3.9.2", "Metadata", version), version);
    ASSERT_TRUE(reply) << version;
    ASSERT_EQ(reply->brokers.size(), 3U);
    EXPECT_EQ(reply->brokers[0].id, 1);
    EXPECT_EQ(reply->brokers[0].host, "127.0.0.1");
    EXPECT_EQ(reply->brokers[0].port, 24401);
    EXPECT_EQ(reply->brokers[0].rack, std::nullopt);
    EXPECT_EQ(reply->cluster_id, "MkU3OEVBNTcwNTJENDM2Qk");
    ASSERT_EQ(reply->topics.size(), 3U);
    EXPECT_TRUE(topic(*reply, "__consumer_offsets").internal);

    const auto& orders = topic(*reply, "orders");
    EXPECT_EQ(orders.error, ErrorCode::none);
    EXPECT_EQ(print(orders.id).empty(), version < 10);
    const auto partitions = reply->partitions(orders);
    ASSERT_EQ(partitions.size(), 3U);
    for (const auto& partition : partitions) {
      EXPECT_EQ(partition.error, ErrorCode::none);
      EXPECT_EQ(partition.leader, partition.preferred);
      EXPECT_EQ(partition.leader_epoch, version < 7 ? -1 : 0);
      EXPECT_EQ(partition.replicas, 3);
      EXPECT_EQ(partition.in_sync, 3);
      EXPECT_EQ(partition.offline, 0);
    }
    EXPECT_EQ(reply->partitions(topic(*reply, "payments"))[0].replicas, 2);
  }
}

TEST(KafkaMetadata, TellsATopicThatIsNotThere) {
  for (std::int16_t version = 4; version <= 12; ++version) {
    const auto reply = MetadataReply::read(recorded_body("3.9.2", "Metadata:named", version), version);
    ASSERT_TRUE(reply);
    EXPECT_EQ(topic(*reply, "absent").error, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(topic(*reply, "orders").error, ErrorCode::none);
  }
}

TEST(KafkaMetadata, ReadsALeaderlessPartition) {
  // v5: a broker, no cluster id, one topic with a partition that has replicas 2 (down) and 1.
  const std::string body = from_hex(
      "00000000"
      "00000001"
      "00000001 0001 61 00002384 0001 72"
      "ffff"
      "ffffffff"
      "00000001"
      "0000 0001 74 00 00000001"
      "0005 00000000 ffffffff 00000002 0000000200000001 00000001 00000002 00000001 00000002");
  const auto reply = MetadataReply::read(body, 5);
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->brokers[0].rack, "r");
  EXPECT_EQ(reply->cluster_id, "");
  EXPECT_EQ(reply->controller, -1);
  const auto& partition = reply->partitions(reply->topics[0])[0];
  EXPECT_EQ(partition.error, ErrorCode::leader_not_available);
  EXPECT_EQ(partition.leader, -1);
  EXPECT_EQ(partition.preferred, 2);
  EXPECT_EQ(partition.replicas, 2);
  EXPECT_EQ(partition.in_sync, 1);
  EXPECT_EQ(partition.offline, 1);
}

TEST(KafkaMetadata, NeverAsksForATopicToBeMade) {
  MetadataRequest request;
  request.topics = {{"t"}};
  for (std::int16_t version = 4; version <= 12; ++version) {
    const std::string bytes = encode(request, version, 1, "");
    // What follows the names are only flags, all off, and an empty set of tags.
    const std::string_view after = std::string_view(bytes).substr(bytes.rfind('t') + 1);
    EXPECT_EQ(after.find_first_not_of('\0'), std::string_view::npos) << version;
  }
}

TEST(KafkaMetadata, CapsWhatItCounts) {
  const auto reply = MetadataReply::read(recorded_body("3.9.2", "Metadata", 12), 12, 10);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind(), ErrorKind::too_large);
}

TEST(KafkaApiVersions, ChoosesWhatBothSpeak) {
  for (std::int16_t version = 0; version <= 3; ++version) {
    const auto reply = ApiVersionsReply::read(recorded_body("3.9.2", "ApiVersions", version), version);
    ASSERT_TRUE(reply) << version;
    EXPECT_EQ(reply->error, ErrorCode::none);
    EXPECT_EQ(reply->choose(Api::offset_fetch), 9);
    EXPECT_EQ(reply->choose(Api::consumer_group_describe), 0);
    EXPECT_EQ(reply->versions_of(Api::list_offsets), (VersionRange{0, 9}));
  }
  const auto newer = ApiVersionsReply::read(recorded_body("4.3.1", "ApiVersions", 3), 3);
  ASSERT_TRUE(newer);
  EXPECT_EQ(newer->choose(Api::consumer_group_describe), 1);
}

// The reply to ApiVersions v99, which is in the form of version 0.
TEST(KafkaApiVersions, ReadsTheRefusalOfAVersion) {
  for (const char* broker : {"3.9.2", "4.3.1"}) {
    const auto reply = ApiVersionsReply::read(recorded_body(broker, "ApiVersions:unsupported", 3), 3);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, ErrorCode::unsupported_version);
    EXPECT_EQ(reply->choose(Api::api_versions), 3);
    EXPECT_EQ(reply->choose(Api::metadata), std::nullopt);
  }
  const auto bare = ApiVersionsReply::read(from_hex("0023 00000000"), 3);
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->choose(Api::api_versions), std::nullopt);
}

TEST(KafkaCoordinator, FindsOneAndMany) {
  for (std::int16_t version = 1; version <= 5; ++version) {
    const auto reply =
        FindCoordinatorReply::read(recorded_body("3.9.2", "FindCoordinator", version), version);
    ASSERT_TRUE(reply) << version;
    const bool many = version >= FindCoordinatorRequest::kFirstBatched;
    ASSERT_EQ(reply->coordinators.size(), many ? 2U : 1U);
    EXPECT_EQ(reply->coordinators[0].group, many ? "billing" : "");
    EXPECT_EQ(reply->coordinators[0].broker, 1);
    EXPECT_EQ(reply->coordinators[0].host, "127.0.0.1");
    EXPECT_EQ(reply->coordinators[0].port, 24401);
    EXPECT_EQ(reply->coordinators[0].error, ErrorCode::none);
  }
}

TEST(KafkaConfigs, ReadsRetentionAndCleanup) {
  for (std::int16_t version = 1; version <= 4; ++version) {
    const auto reply =
        DescribeConfigsReply::read(recorded_body("3.9.2", "DescribeConfigs", version), version);
    ASSERT_TRUE(reply) << version;
    ASSERT_EQ(reply->topics.size(), 2U);
    const auto& orders = reply->topics[0];
    EXPECT_EQ(orders.name, "orders");
    EXPECT_EQ(orders.retention_ms, 3600000);
    EXPECT_EQ(orders.compacts, false);
    EXPECT_EQ(orders.deletes, true);
    const auto& payments = reply->topics[1];
    EXPECT_EQ(payments.retention_ms, 604800000);
    EXPECT_EQ(payments.compacts, true);
    EXPECT_EQ(payments.deletes, true);
  }
}

TEST(KafkaConfigs, GuessesNothing) {
  // v4: a topic that may not be described, and one whose values are null and no number.
  const std::string body = from_hex(
      "00000000 03"
      "001d 00 02 0261 01 00"
      "0000 00 02 0262 03"
      "0f 636c65616e75702e706f6c696379 00 00 05 00 01 07 00 00"
      "0d 726574656e74696f6e2e6d73 0178 00 05 00 01 05 00 00 00 00");
  const auto reply = DescribeConfigsReply::read(body, 4);
  ASSERT_FALSE(reply);  // "0178" is an empty text and a stray byte
  const auto good =
      DescribeConfigsReply::read(from_hex("00000000 03 001d 00 02 0261 01 00 0000 00 02 0262 03"
                                          "0f 636c65616e75702e706f6c696379 00 00 05 00 01 07 00 00"
                                          "0d 726574656e74696f6e2e6d73 0278 00 05 00 01 05 00 00 00 00"),
                                 4);
  ASSERT_TRUE(good) << good.error().message();
  EXPECT_EQ(good->topics[0].error, ErrorCode::topic_authorization_failed);
  EXPECT_EQ(good->topics[1].retention_ms, std::nullopt);
  EXPECT_EQ(good->topics[1].compacts, std::nullopt);
}

TEST(KafkaCluster, ReadsControllersAndBrokers) {
  const auto controllers = DescribeClusterReply::read(recorded_body("4.3.1", "DescribeCluster", 2), 2);
  ASSERT_TRUE(controllers);
  EXPECT_EQ(controllers->controller, 2);
  ASSERT_EQ(controllers->nodes.size(), 3U);
  EXPECT_EQ(controllers->nodes[0].port, 23701);
  const auto brokers = DescribeClusterReply::read(recorded_body("3.9.2", "DescribeCluster:brokers", 1), 1);
  ASSERT_TRUE(brokers);
  EXPECT_EQ(brokers->nodes[2].port, 24403);
  EXPECT_EQ(brokers->cluster_id, "MkU3OEVBNTcwNTJENDM2Qk");
}

}  // namespace
}  // namespace qw::wire::kafka
