#include "probes/systems/kafka_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "daemon/base/text.hpp"
#include "daemon/net/address.hpp"

namespace qw::probes {

namespace kafka = wire::kafka;

constexpr MetricFamily kKafkaBrokers{.name = "quorumwatch_kafka_brokers",
                                     .type = MetricType::gauge,
                                     .help = "Brokers that the cluster counts as alive.",
                                     .labels = ""};
constexpr MetricFamily kKafkaBrokerUp{
    .name = "quorumwatch_kafka_broker_up",
    .type = MetricType::gauge,
    .help = "Whether the broker answered; 0 also for one that the cluster misses.",
    .labels = "member"};
constexpr MetricFamily kKafkaBrokerLeaders{.name = "quorumwatch_kafka_broker_partitions_led",
                                           .type = MetricType::gauge,
                                           .help = "Partitions that the broker leads.",
                                           .labels = "member"};
constexpr MetricFamily kKafkaPartitions{.name = "quorumwatch_kafka_partitions",
                                        .type = MetricType::gauge,
                                        .help = "Partitions of all topics that the user may see.",
                                        .labels = ""};
constexpr MetricFamily kKafkaLeaderless{
    .name = "quorumwatch_kafka_partitions_leaderless",
    .type = MetricType::gauge,
    .help = "Partitions that no living broker leads: nobody can write or read them.",
    .labels = ""};
constexpr MetricFamily kKafkaUnderReplicated{
    .name = "quorumwatch_kafka_partitions_under_replicated",
    .type = MetricType::gauge,
    .help = "Partitions with fewer replicas in sync than they should have.",
    .labels = ""};
constexpr MetricFamily kKafkaNotPreferred{
    .name = "quorumwatch_kafka_partitions_not_preferred",
    .type = MetricType::gauge,
    .help = "Partitions that another broker leads than the first of their replicas.",
    .labels = ""};

namespace {

/// For so many rounds a broker that names an older leader epoch is not believed. Then the topic was made
/// again where topics have no ids (before 2.8).
constexpr std::uint64_t kOldEpochRounds = 10;

constexpr std::size_t kMostName = 255;
constexpr std::int32_t kMostPartitions = 1'000'000;  // of one topic; real ones have thousands

std::uint16_t port_of(std::int32_t port) {
  const bool sound = port > 0 && port <= std::numeric_limits<std::uint16_t>::max();
  return sound ? static_cast<std::uint16_t>(port) : 0;
}

}  // namespace

void KafkaCluster::update(const kafka::MetadataReply& reply) {
  updated_ = round_;
  if (!reply.cluster_id.empty()) id_ = sanitize(reply.cluster_id);
  brokers_.clear();
  for (const auto& broker : reply.brokers) {
    const std::uint16_t port = port_of(broker.port);
    if (port == 0 || broker.host.empty()) continue;
    const std::string host = sanitize(broker.host);
    brokers_.push_back({broker.id, net::HostPort{host, port}.print(), host, port});
  }
  std::ranges::sort(brokers_, {}, &KafkaAddress::id);
  for (const auto& said : reply.topics) {
    auto found = topics_.find(said.name);
    if (found == topics_.end()) {
      if (said.error != kafka::ErrorCode::none) continue;
      found = topics_.emplace(std::string(said.name), KafkaTopic(said.name)).first;
      found->second.selected = filter_.wants(said.name);
      found->second.id = said.id;
    }
    auto& topic = found->second;
    topic.seen = round_;
    if (said.error != kafka::ErrorCode::none) continue;
    if (topic.id != said.id) {
      topic.id = said.id;
      topic.partitions.clear();
      topic.configs_round = 0;
    }
    update(topic, reply.partitions(said));
  }
  forget_deleted();
}

void KafkaCluster::update(KafkaTopic& topic, std::span<const kafka::MetadataReply::Partition> said) {
  for (const auto& one : said) {
    if (one.index < 0 || one.index >= kMostPartitions) continue;
    const auto index = static_cast<std::size_t>(one.index);
    // Partitions are numbered from 0 without a gap: a number beyond their count is no partition.
    if (index >= said.size()) continue;
    if (index >= topic.partitions.size()) topic.partitions.resize(index + 1);
    auto& partition = topic.partitions[index];
    const bool older = one.leader_epoch < partition.leader_epoch;
    if (older && round_ - partition.confirmed < kOldEpochRounds) continue;
    partition.leader = one.leader;
    partition.leader_epoch = one.leader_epoch;
    partition.preferred = one.preferred;
    partition.replicas = one.replicas;
    partition.in_sync = one.in_sync;
    partition.confirmed = round_;
  }
}

void KafkaCluster::forget_deleted() {
  std::erase_if(wanted_, [this](const KafkaTopic* topic) { return topic->seen != round_; });
  std::erase_if(topics_, [this](const auto& entry) { return entry.second.seen != round_; });
}

std::vector<std::int32_t> KafkaCluster::expected() const {
  std::set<std::int32_t> ids;
  for (const auto& [name, topic] : topics_) {
    for (const auto& partition : topic.partitions) {
      if (partition.preferred >= 0) ids.insert(partition.preferred);
    }
  }
  return {ids.begin(), ids.end()};
}

KafkaTopic* KafkaCluster::find(std::string_view topic) {
  const auto found = topics_.find(topic);
  return found == topics_.end() || !found->second.selected ? nullptr : &found->second;
}

KafkaPartition* KafkaCluster::find(std::string_view topic, std::int32_t partition) {
  auto* const found = find(topic);
  const bool there =
      found && partition >= 0 && static_cast<std::size_t>(partition) < found->partitions.size();
  return there ? &found->partitions[static_cast<std::size_t>(partition)] : nullptr;
}

void KafkaCluster::want(KafkaTopic& topic) {
  if (topic.wanted == round_) return;
  topic.wanted = round_;
  wanted_.push_back(&topic);
  for (auto& partition : topic.partitions) {
    if (partition.end) partition.last_end = partition.end;
    partition.end.reset();
    partition.stable_end.reset();
    partition.moved = false;
  }
}

void KafkaCluster::add_logs(Facts& into) const {
  into.topics.reserve(wanted_.size());
  for (const auto* topic : wanted_) {
    TopicLog log;
    log.topic = sanitize(topic->name, kMostName);
    log.identity = kafka::print(topic->id);
    log.retention = topic->retention;
    log.compacted = topic->compacted;
    log.partitions.reserve(topic->partitions.size());
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const auto& partition = topic->partitions[i];
      log.partitions.push_back({.partition = static_cast<std::int32_t>(i),
                                .leaderless = partition.leader < 0,
                                .end = partition.end,
                                .stable_end = partition.stable_end,
                                .start = partition.start,
                                .asked_end = partition.asked_end});
    }
    into.topics.push_back(std::move(log));
  }
}

void KafkaCluster::add_readings(Facts& into, const std::function<std::string(std::int32_t)>& name_of) const {
  std::uint64_t partitions = 0;
  std::uint64_t leaderless = 0;
  std::uint64_t under_replicated = 0;
  std::uint64_t not_preferred = 0;
  std::map<std::int32_t, std::uint64_t> led;
  for (const auto& broker : brokers_) led[broker.id] = 0;
  for (const auto& [name, topic] : topics_) {
    for (const auto& partition : topic.partitions) {
      ++partitions;
      if (partition.leader < 0) {
        ++leaderless;
      } else {
        ++led[partition.leader];
        if (partition.preferred >= 0 && partition.preferred != partition.leader) ++not_preferred;
      }
      if (partition.in_sync < partition.replicas) ++under_replicated;
    }
  }
  const auto add = [&into](const MetricFamily& family, std::uint64_t value) {
    into.readings.push_back({&family, {}, static_cast<double>(value)});
  };
  add(kKafkaBrokers, brokers_.size());
  add(kKafkaPartitions, partitions);
  add(kKafkaLeaderless, leaderless);
  add(kKafkaUnderReplicated, under_replicated);
  add(kKafkaNotPreferred, not_preferred);
  for (const auto& [id, count] : led)
    into.readings.push_back({&kKafkaBrokerLeaders, {{"member", name_of(id)}}, static_cast<double>(count)});
}

}  // namespace qw::probes
