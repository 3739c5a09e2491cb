#include "probes/signals/judgement.hpp"

#include <gtest/gtest.h>

#include <set>

namespace qw::signals {
namespace {

// What promtool check metrics asks for, and the metric reference.
TEST(SignalFamilies, AreNamedAndDescribedAsTheHouseDoes) {
  std::set<std::string_view> names;
  for (const auto* family : signal_families()) {
    EXPECT_TRUE(names.insert(family->name).second) << family->name << " twice";
    // Those of kafka-lag-exporter keep the names that dashboards know them by.
    const bool foreign = family->name.starts_with("kafka_consumergroup_group_") ||
                         family->name.starts_with("kafka_partition_");
    EXPECT_TRUE(foreign || family->name.starts_with("quorumwatch_")) << family->name;
    EXPECT_EQ(family->name.ends_with("_total"), family->type == MetricType::counter) << family->name;
    EXPECT_TRUE(family->help.ends_with('.')) << family->name;
    EXPECT_EQ(family->help.find('\n'), std::string_view::npos) << family->name;
  }
  for (const auto* core : {"quorumwatch_leaders",
                           "quorumwatch_leader_claim",
                           "quorumwatch_leader_epoch",
                           "quorumwatch_leader_elections_total",
                           "quorumwatch_leader_elections_recent",
                           "quorumwatch_leader_absent_seconds",
                           "quorumwatch_quorum_members",
                           "quorumwatch_quorum_failures_tolerated",
                           "quorumwatch_leader_epoch_regressions_total",
                           "quorumwatch_split_brain",
                           "quorumwatch_split_brain_overlap_seconds",
                           "quorumwatch_split_brain_diverged_bytes",
                           "quorumwatch_replication_lag_seconds",
                           "quorumwatch_replication_lag_bytes",
                           "quorumwatch_replication_lag_entries",
                           "quorumwatch_replication_link_up",
                           "quorumwatch_consumer_lag_messages",
                           "quorumwatch_consumer_lag_seconds",
                           "quorumwatch_consumer_lag_error_seconds",
                           "quorumwatch_consumer_status",
                           "quorumwatch_consumer_rebalances_total",
                           "quorumwatch_consumer_lost_messages_total",
                           "quorumwatch_rtt_seconds",
                           "quorumwatch_rtt_error_seconds",
                           "quorumwatch_clock_offset_seconds",
                           "quorumwatch_clock_bound_seconds"}) {
    EXPECT_TRUE(names.contains(core)) << core;
  }
}

}  // namespace
}  // namespace qw::signals
