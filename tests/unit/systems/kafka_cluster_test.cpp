// What the probe believes of a cluster's metadata.
#include "probes/systems/kafka_cluster.hpp"

#include <gtest/gtest.h>

namespace qw::probes {
namespace {

using wire::kafka::MetadataReply;

/// One topic with one partition.
MetadataReply saying(std::int32_t leader, std::int32_t epoch, std::uint8_t id = 1) {
  MetadataReply reply;
  reply.brokers = {{.id = 1, .host = "a", .port = 9092, .rack = {}},
                   {.id = 2, .host = "b", .port = 9092, .rack = {}}};
  reply.cluster_id = "c";
  MetadataReply::Topic topic;
  topic.name = "orders";
  topic.id[15] = id;
  topic.partitions = {.first = 0, .count = 1};
  reply.topics = {topic};
  MetadataReply::Partition partition;
  partition.leader = leader;
  partition.leader_epoch = epoch;
  partition.preferred = 1;
  reply.all_partitions = {partition};
  return reply;
}

std::int32_t leader_of(KafkaCluster& cluster) {
  return cluster.find("orders", 0)->leader;
}

TEST(KafkaClusterTest, ABrokerThatIsCutOffDoesNotBringBackTheOldLeader) {
  KafkaCluster cluster{NameFilter()};
  cluster.begin_round();
  cluster.update(saying(2, 8));
  cluster.begin_round();
  cluster.update(saying(1, 7));
  EXPECT_EQ(leader_of(cluster), 2);
  cluster.begin_round();
  cluster.update(saying(1, 9));
  EXPECT_EQ(leader_of(cluster), 1);
}

TEST(KafkaClusterTest, ATopicThatWasMadeAgainBeginsAtAnyEpoch) {
  KafkaCluster cluster{NameFilter()};
  cluster.begin_round();
  cluster.update(saying(2, 8));
  cluster.begin_round();
  cluster.update(saying(1, 0, 2));
  EXPECT_EQ(leader_of(cluster), 1);
}

TEST(KafkaClusterTest, WithoutTopicIdsAnOldEpochIsBelievedAfterAWhile) {
  KafkaCluster cluster{NameFilter()};
  cluster.begin_round();
  cluster.update(saying(2, 8, 0));
  for (int round = 0; round < 9; ++round) {
    cluster.begin_round();
    cluster.update(saying(1, 0, 0));
    EXPECT_EQ(leader_of(cluster), 2);
  }
  cluster.begin_round();
  cluster.update(saying(1, 0, 0));
  EXPECT_EQ(leader_of(cluster), 1);
}

TEST(KafkaClusterTest, ATopicThatIsGoneIsForgotten) {
  KafkaCluster cluster{NameFilter()};
  cluster.begin_round();
  cluster.update(saying(2, 8));
  cluster.want(*cluster.find("orders"));
  auto reply = saying(2, 8);
  reply.topics.clear();
  reply.all_partitions.clear();
  cluster.begin_round();
  cluster.update(reply);
  EXPECT_EQ(cluster.find("orders"), nullptr);
  Facts facts;
  cluster.add_logs(facts);
  EXPECT_TRUE(facts.topics.empty());
}

TEST(KafkaClusterTest, APartitionNumberOutOfBoundsIsNoPartition) {
  KafkaCluster cluster{NameFilter()};
  auto reply = saying(2, 8);
  reply.all_partitions[0].index = 2'000'000'000;
  cluster.begin_round();
  cluster.update(reply);
  EXPECT_EQ(cluster.find("orders", 0), nullptr);
}

}  // namespace
}  // namespace qw::probes
