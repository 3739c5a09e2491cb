// The series that dashboards and rules for kafka-lag-exporter look for. Labels of single members
// (member_host, consumer_id, client_id) are not there: they would make new series with every rebalance.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "probes/signals/consumer_samples.hpp"

namespace qw::signals {
namespace {

using enum MetricType;

constexpr std::string_view kOfPartition = "cluster_name group topic partition";
constexpr MetricFamily kOffset{"kafka_consumergroup_group_offset", gauge,
                               "As kafka-lag-exporter has it: the offset that the group has committed.",
                               kOfPartition};
constexpr MetricFamily kLag{"kafka_consumergroup_group_lag", gauge,
                            "As kafka-lag-exporter has it: messages that the group has yet to read.",
                            kOfPartition};
constexpr MetricFamily kLagSeconds{"kafka_consumergroup_group_lag_seconds", gauge,
                                   "As kafka-lag-exporter has it: the lag in time.", kOfPartition};
constexpr MetricFamily kMaxLag{"kafka_consumergroup_group_max_lag", gauge,
                               "As kafka-lag-exporter has it: messages to read in the worst partition.",
                               "cluster_name group"};
constexpr MetricFamily kMaxLagSeconds{"kafka_consumergroup_group_max_lag_seconds", gauge,
                                      "As kafka-lag-exporter has it: the lag in time of the worst partition.",
                                      "cluster_name group"};
constexpr MetricFamily kSumLag{"kafka_consumergroup_group_sum_lag", gauge,
                               "As kafka-lag-exporter has it: messages to read, over all topics.",
                               "cluster_name group"};
constexpr MetricFamily kTopicSumLag{"kafka_consumergroup_group_topic_sum_lag", gauge,
                                    "As kafka-lag-exporter has it: messages to read in a topic.",
                                    "cluster_name group topic"};
constexpr MetricFamily kLatest{"kafka_partition_latest_offset", gauge,
                               "As kafka-lag-exporter has it: the end of the partition.",
                               "cluster_name topic partition"};
constexpr MetricFamily kEarliest{"kafka_partition_earliest_offset", gauge,
                                 "As kafka-lag-exporter has it: the first offset that is still there.",
                                 "cluster_name topic partition"};
constexpr const MetricFamily* kFamilies[] = {
    &kOffset, &kLag, &kLagSeconds, &kMaxLag, &kMaxLagSeconds, &kSumLag, &kTopicSumLag, &kLatest, &kEarliest};

/// What a group comes to over all its topics.
struct Total {
  const Group* group;
  double sum = 0, max = 0, max_seconds = 0;
  bool known = true, seconds_known = true;
};

std::vector<Total> totals_of(const std::vector<ConsumerReport>& reports) {
  std::vector<Total> totals;
  std::unordered_map<const Group*, std::size_t> places;
  for (const auto& report : reports) {
    if (!report.told) continue;
    const auto [known, is_new] = places.emplace(report.group, totals.size());
    if (is_new) totals.push_back({.group = report.group});
    auto& total = totals[known->second];
    const auto& sum = report.sum;
    total.known &= sum.messages && sum.unknown == 0;
    total.sum += sum.messages.value_or(0);
    total.seconds_known &= sum.seconds.has_value();
    if (sum.seconds) total.max_seconds = std::max(total.max_seconds, sum.seconds->value);
    for (const auto& place : report.consumer->places) {
      if (place.has_commit) total.max = std::max(total.max, static_cast<double>(place.lag));
    }
  }
  return totals;
}

}  // namespace

void write_kafka_lag_exporter(const std::vector<ConsumerReport>& reports, PartitionLogs& logs,
                              const ConsumerDetail& detail, std::uint32_t round, Samples& out) {
  std::size_t room = detail.series_limit;
  const auto cluster = out.target();
  const auto add = [&](const MetricFamily& family, double value,
                       std::initializer_list<Samples::Label> labels) {
    if (room == 0) return;
    --room;
    out.add(family, value, labels);
  };
  for (const auto& total : totals_of(reports)) {
    const std::string_view group = total.group->name;
    if (total.known) {
      add(kSumLag, total.sum, {{"cluster_name", cluster}, {"group", group}});
      add(kMaxLag, total.max, {{"cluster_name", cluster}, {"group", group}});
    }
    if (total.seconds_known)
      add(kMaxLagSeconds, total.max_seconds, {{"cluster_name", cluster}, {"group", group}});
  }
  for (const auto& report : reports) {
    if (!report.told || !report.sum.messages || report.sum.unknown > 0) continue;
    add(kTopicSumLag, *report.sum.messages,
        {{"cluster_name", cluster}, {"group", report.group->name}, {"topic", report.consumer->topic}});
  }
  for (auto& [name, topic] : logs) {
    if (topic->round != round) continue;
    for (const auto& log : topic->partitions) {
      const auto partition = std::to_string(log.partition);
      if (!log.has_end || log.round != round) continue;
      add(kLatest, static_cast<double>(log.end),
          {{"cluster_name", cluster}, {"topic", name}, {"partition", partition}});
      if (!log.has_start) continue;
      add(kEarliest, static_cast<double>(log.start),
          {{"cluster_name", cluster}, {"topic", name}, {"partition", partition}});
    }
  }
  for (const auto& report : reports) {
    if (!report.told) continue;
    for (const auto& place : report.consumer->places) {
      if (!place.has_commit) continue;
      const auto partition = std::to_string(place.partition);
      const std::initializer_list<Samples::Label> labels = {{"cluster_name", cluster},
                                                            {"group", report.group->name},
                                                            {"topic", report.consumer->topic},
                                                            {"partition", partition}};
      add(kOffset, static_cast<double>(place.committed), labels);
      if (place.lag_known) add(kLag, static_cast<double>(place.lag), labels);
      if (const auto lag = lag_seconds(*report.group, *report.consumer, place, round)) {
        add(kLagSeconds, lag->value, labels);
      }
    }
  }
}

std::span<const MetricFamily* const> kafka_lag_exporter_families() {
  return kFamilies;
}

}  // namespace qw::signals
