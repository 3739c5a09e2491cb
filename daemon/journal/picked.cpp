#include "daemon/journal/picked.hpp"

#include <algorithm>
#include <array>

#include "daemon/journal/finders.hpp"

namespace qw::journal {
namespace {

constexpr std::array<std::string_view, 6> kOfWires{
    "quorumwatch_rtt_seconds",        "quorumwatch_rtt_loss_samples", "quorumwatch_rtt_loss_ratio",
    "quorumwatch_rtt_loss_confirmed", "quorumwatch_rtt_slow",         "quorumwatch_rtt_peer_held_seconds"};
/// Rounds without a counter until it is forgotten.
constexpr std::uint64_t kForgetAfter = 256;

}  // namespace

Picker::Topic Picker::topic_of(std::string_view family) {
  if (is_state_family(family)) return Topic::state;
  if (family.starts_with("quorumwatch_leader") || family.starts_with("quorumwatch_quorum_") ||
      family.starts_with("quorumwatch_split_brain"))
    return Topic::leadership;
  if (family.starts_with("quorumwatch_replication_")) return Topic::replication;
  if (family.starts_with("quorumwatch_clock_")) return Topic::clock;
  if (std::ranges::find(kOfWires, family) != kOfWires.end()) return Topic::wire;
  if (family == "quorumwatch_consumer_status") return Topic::consumer_status;
  if (family == "quorumwatch_consumer_rebalances_total") return Topic::rebalances;
  if (family == "quorumwatch_consumer_lost_messages_total") return Topic::lost;
  // Of single partitions nothing is told: a topic has thousands.
  if (family.starts_with("quorumwatch_consumer_partition_")) return Topic::none;
  return family.starts_with("quorumwatch_consumer_") ? Topic::consumer : Topic::none;
}

Picked Picker::pick(const Round& round) {
  Picked out;
  const MetricFamily* family = nullptr;
  auto topic = Topic::none;
  for (const auto& sample : round.samples) {
    if (sample.series->family != family) {
      family = sample.series->family;
      const auto [known, is_new] = topics_.try_emplace(family, Topic::none);
      if (is_new) known->second = topic_of(family->name);
      topic = known->second;
    }
    switch (topic) {
      case Topic::none:
        break;
      case Topic::leadership:
        out.leadership.push_back(sample);
        break;
      case Topic::replication:
        out.replication.push_back(sample);
        break;
      case Topic::wire:
        out.wires.push_back(sample);
        break;
      case Topic::clock:
        out.clocks.push_back(sample);
        break;
      case Topic::state:
        out.states.push_back(sample);
        break;
      case Topic::consumer_status:
        if (sample.value == 1) out.consumer_statuses.push_back(&sample);
        break;
      case Topic::lost:
        out.lost.push_back(&sample);
        out.consumers.push_back(&sample);
        break;
      case Topic::consumer:
        out.consumers.push_back(&sample);
        break;
      case Topic::rebalances:
        out.rebalances.push_back(&sample);
        break;
    }
  }
  return out;
}

void Counters::begin() {
  if (++round_ % kForgetAfter != 0) return;
  std::erase_if(totals_, [this](const auto& entry) { return entry.second.seen + kForgetAfter < round_; });
}

double Counters::rise(const Sample& sample) {
  const auto [known, is_new] = totals_.try_emplace(sample.series);
  auto& total = known->second;
  const double before = is_new ? sample.value : total.value;
  total = {.value = sample.value, .seen = round_};
  return sample.value > before ? sample.value - before : 0;
}

}  // namespace qw::journal
