#include "daemon/model/replicas.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

TEST(Replicas, SayWhatIsWrongInWords) {
  ReplicaRow row;
  EXPECT_EQ(describe(row), "nobody knows how far it is behind");
  row.link_up = 1;
  EXPECT_EQ(describe(row), "") << "its leader can not be asked; the replica is linked to it";
  row.seconds = 0.9;
  row.bytes = 512;
  EXPECT_EQ(describe(row), "");
  row.seconds = 12.43;
  row.bytes = 1048576;
  EXPECT_EQ(describe(row), "12.4 s behind (1048576 bytes)");
  row.link_up = 0;
  row.lower_bound = 1;
  row.bytes.reset();
  row.entries = 7;
  EXPECT_EQ(describe(row), "its link to the leader is down; at least 12.4 s behind (7 entries)");
  row.seconds = 0;
  EXPECT_EQ(describe(row), "its link to the leader is down");
}

TEST(Replicas, AreReadFromTheSamplesOfARoundTheWorstFirst) {
  static constexpr MetricFamily kSeconds{"quorumwatch_replication_lag_seconds", MetricType::gauge, "x",
                                         "member"};
  static constexpr MetricFamily kBytes{"quorumwatch_replication_lag_bytes", MetricType::gauge, "x", "member"};
  static constexpr MetricFamily kLink{"quorumwatch_replication_link_up", MetricType::gauge, "x", "member"};
  Samples samples("redis", "cache");
  EXPECT_TRUE(replicas_of(samples.take()).empty());
  samples.add(kSeconds, 0, {{"member", "b"}});
  samples.add(kSeconds, 0, {{"member", "a"}});
  samples.add(kSeconds, 9, {{"member", "c"}});
  samples.add(kBytes, 100, {{"member", "c"}});
  samples.add(kLink, 0, {{"member", "d"}});
  const auto rows = replicas_of(samples.take());
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].member, "d") << "cut off";
  EXPECT_FALSE(rows[0].seconds);
  EXPECT_EQ(rows[1].member, "c");
  EXPECT_EQ(rows[1].bytes, 100);
  EXPECT_EQ(rows[2].member, "a");
  EXPECT_EQ(rows[3].member, "b");
}

}  // namespace
}  // namespace qw
