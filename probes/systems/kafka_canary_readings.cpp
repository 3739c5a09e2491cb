// What the canary found out, as metric families; what keeps it from that, in words.
#include <utility>

#include "probes/systems/kafka_canary.hpp"

namespace qw::probes {
namespace {

const MetricFamily kUp{
    "quorumwatch_kafka_canary_up", MetricType::gauge,
    "Whether the canary produces and consumes, and no complaint is younger than its last message.", ""};
const MetricFamily kSent{"quorumwatch_kafka_canary_sent_total", MetricType::counter,
                         "Messages of the canary that were handed to the client library.", ""};
const MetricFamily kAcknowledged{"quorumwatch_kafka_canary_acknowledged_total", MetricType::counter,
                                 "Messages of the canary that all in-sync replicas acknowledged.", ""};
const MetricFamily kFailed{"quorumwatch_kafka_canary_failed_total", MetricType::counter,
                           "Messages of the canary that were refused or not acknowledged in time.", ""};
const MetricFamily kReceived{"quorumwatch_kafka_canary_received_total", MetricType::counter,
                             "Messages of the canary that were consumed, each counted once.", ""};
const MetricFamily kLost{"quorumwatch_kafka_canary_lost_total", MetricType::counter,
                         "Messages of the canary that were acknowledged and not consumed in time.", ""};
const MetricFamily kLate{"quorumwatch_kafka_canary_late_total", MetricType::counter,
                         "Messages of the canary that were counted as lost and then consumed after all.", ""};
const MetricFamily kDuplicated{"quorumwatch_kafka_canary_duplicated_total", MetricType::counter,
                               "Times that a message of the canary was consumed once more.", ""};
const MetricFamily kReordered{"quorumwatch_kafka_canary_reordered_total", MetricType::counter,
                              "Messages of the canary that came after a younger one of their partition.", ""};
const MetricFamily kErrors{"quorumwatch_kafka_canary_errors_total", MetricType::counter,
                           "Errors that the client library reported to the canary.", ""};
const MetricFamily kWaiting{"quorumwatch_kafka_canary_waiting_messages", MetricType::gauge,
                            "Messages of the canary that are under way.", ""};
const MetricFamily kLatency{
    "quorumwatch_kafka_canary_latency_seconds", MetricType::gauge,
    "Time from producing to consuming the canary's last message; absent when none came.", ""};
const MetricFamily kLatencyMax{
    "quorumwatch_kafka_canary_latency_max_seconds", MetricType::gauge,
    "Longest time from producing to consuming a message of the canary in the last minute.", ""};

constexpr const MetricFamily* kFamilies[] = {&kUp,      &kSent,    &kAcknowledged, &kFailed,    &kReceived,
                                             &kLost,    &kLate,    &kDuplicated,   &kReordered, &kErrors,
                                             &kWaiting, &kLatency, &kLatencyMax};

// The first connections and the death of a broker take less.
constexpr Nanoseconds kLasting = std::chrono::seconds(10);

}  // namespace

std::optional<std::string> KafkaCanaryNews::take(const KafkaCanarySaid& said, SteadyTime now) {
  if (said.problem.empty()) {
    since_.reset();
    return std::exchange(told_, false) ? std::optional(std::string()) : std::nullopt;
  }
  if (!since_) since_ = now;
  if (told_ || now - *since_ < kLasting) return std::nullopt;
  told_ = true;
  return said.problem;
}

std::vector<Reading> KafkaCanary::readings() const {
  const KafkaCanarySaid said = this->said();
  std::vector<Reading> readings;
  const auto add = [&readings](const MetricFamily& family, double value) {
    readings.push_back({.family = &family, .labels = {}, .value = value});
  };
  const auto count = [&add](const MetricFamily& family, std::uint64_t value) {
    add(family, static_cast<double>(value));
  };
  add(kUp, said.partitions > 0 && said.problem.empty() ? 1 : 0);
  count(kSent, said.counts.sent);
  count(kAcknowledged, said.counts.acknowledged);
  count(kFailed, said.counts.failed);
  count(kReceived, said.counts.received);
  count(kLost, said.counts.lost);
  count(kLate, said.counts.late);
  count(kDuplicated, said.counts.duplicated);
  count(kReordered, said.counts.reordered);
  count(kErrors, said.errors);
  count(kWaiting, said.waiting);
  if (said.latency) add(kLatency, seconds(*said.latency));
  if (said.latency_max) add(kLatencyMax, seconds(*said.latency_max));
  return readings;
}

std::span<const MetricFamily* const> kafka_canary_families() {
  return kFamilies;
}

}  // namespace qw::probes
