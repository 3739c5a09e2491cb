#include "daemon/model/leaders.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

TEST(Leaders, SayWhatIsWrongInWords) {
  LeadershipRow row;
  EXPECT_EQ(describe(row), "") << "what is not known is not wrong";
  row.leaders = row.views = 1;
  row.absent_seconds = 0;
  row.voters = 3;
  row.failures_tolerated = 1;
  row.fenced = row.unfenced = row.identity = 0;
  EXPECT_EQ(describe(row), "");

  auto headless = row;
  headless.leaders = 0;
  headless.absent_seconds = 12.4;
  headless.failures_tolerated = -1;
  EXPECT_EQ(describe(headless),
            "nobody leads, for 12.4 s; the quorum is lost: 1 of 3 voters too few are alive");

  auto split = row;
  split.leaders = 2;
  EXPECT_EQ(describe(split), "two leaders at one instant");
  split.fenced = 1;
  EXPECT_EQ(describe(split),
            "two leaders at once; the older does not know that it is deposed and can not commit");
  split.unfenced = 1;
  split.diverged_bytes = 0;
  EXPECT_EQ(describe(split), "two leaders at once, both take writes");
  split.diverged_bytes = 48213;
  split.views = 2;
  EXPECT_EQ(
      describe(split),
      "two leaders at once, both take writes: 48213 bytes differ; its members name 2 different leaders");
  split.leaders = 3;
  split.identity = 1;
  split.views = 1;
  EXPECT_EQ(
      describe(split),
      "3 leaders at once, all take writes: 48213 bytes differ; its members belong to different clusters");
}

TEST(Leaders, ANarrowQuorumIsWrongOnlyWhereItIsNotTheSetup) {
  LeadershipRow row;
  row.failures_tolerated = 0;
  for (const double voters : {1, 2}) {
    row.voters = voters;
    EXPECT_EQ(describe(row), "");
  }
  row.voters = 3;
  EXPECT_EQ(describe(row), "no further voter may fail");
}

TEST(Leaders, AreReadFromTheSamplesOfARound) {
  static constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "x", ""};
  static constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "x", "member"};
  static constexpr MetricFamily kElections{"quorumwatch_leader_elections_total", MetricType::counter, "x",
                                           "cause"};
  static constexpr MetricFamily kOverlap{"quorumwatch_split_brain_overlap_seconds", MetricType::gauge, "x",
                                         "bound"};
  static constexpr MetricFamily kOther{"quorumwatch_rtt_seconds", MetricType::gauge, "x", "member"};
  Samples samples("etcd", "kv");
  samples.add(kOther, 0.1, {{"member", "a"}});
  EXPECT_FALSE(leadership_of(samples.take())) << "a target without leaders";
  samples.add(kLeaders, 1);
  samples.add(kClaim, 0, {{"member", "b"}});
  samples.add(kClaim, 1, {{"member", "a"}});
  samples.add(kElections, 3, {{"cause", "planned"}});
  samples.add(kElections, 5, {{"cause", "unknown"}});
  samples.add(kOverlap, 1.5, {{"bound", "lower"}});
  const auto row = leadership_of(samples.take());
  ASSERT_TRUE(row);
  ASSERT_EQ(row->claims.size(), 2U);
  EXPECT_EQ(row->claims[0].member, "a");
  EXPECT_TRUE(row->claims[0].leads);
  EXPECT_FALSE(row->claims[1].leads);
  EXPECT_EQ(row->leaders, 1);
  EXPECT_EQ(row->planned, 3);
  EXPECT_EQ(row->unknown_cause, 5);
  EXPECT_EQ(row->overlap_lower_seconds, 1.5);
  EXPECT_FALSE(row->overlap_upper_seconds);
  EXPECT_FALSE(row->unplanned);
}

}  // namespace
}  // namespace qw
