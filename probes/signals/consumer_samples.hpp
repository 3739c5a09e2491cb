#pragma once
#include <memory>
#include <span>
#include <vector>

#include "probes/signals/lag_seconds.hpp"

namespace qw::signals {

/// A group on a topic, ready to be written.
struct ConsumerReport {
  const Group* group;
  Consumer* consumer;
  LagSummary sum;
  bool told;  ///< in this round; else nothing but that it is unknown
};

/// Writes the samples of all groups, at most `detail.series_limit` series: what is in trouble first, then
/// what had series in the round before. The rest is counted.
void write_consumers(std::vector<ConsumerReport>& reports, const ConsumerDetail& detail, std::uint32_t round,
                     Samples& out);

/// The names that kafka-lag-exporter gave its series, under a limit of their own.
void write_kafka_lag_exporter(const std::vector<ConsumerReport>& reports, PartitionLogs& logs,
                              const ConsumerDetail& detail, std::uint32_t round, Samples& out);

std::span<const MetricFamily* const> consumer_families();
std::span<const MetricFamily* const> kafka_lag_exporter_families();

}  // namespace qw::signals
