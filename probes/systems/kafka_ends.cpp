#include "probes/systems/kafka_ends.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "probes/wire/kafka_configs.hpp"

namespace qw::probes {

namespace kafka = wire::kafka;

namespace {

// One reply is decoded within a millisecond.
constexpr std::size_t kPartitionsAtOnce = 2000;
constexpr std::size_t kConfigsAtOnce = 500;
/// A start moves only when old messages are deleted. Of partitions where nobody is behind it is asked so
/// rarely.
constexpr std::uint64_t kStartRounds = 10;
constexpr std::uint64_t kConfigRounds = 60;
constexpr std::string_view kWhat = "ends of its partitions";

enum What : int { kEnd, kStableEnd, kStart, kConfigs };

bool has_moved(kafka::ErrorCode code) {
  return code == kafka::ErrorCode::not_leader_or_follower || code == kafka::ErrorCode::fenced_leader_epoch ||
         code == kafka::ErrorCode::unknown_leader_epoch ||
         code == kafka::ErrorCode::unknown_topic_or_partition;
}

std::optional<std::uint64_t> offset_of(const kafka::ListOffsetsReply::Partition& said) {
  if (said.error != kafka::ErrorCode::none || said.offset < 0) return std::nullopt;
  return static_cast<std::uint64_t>(said.offset);
}

/// Kafka counts whole milliseconds, and below 0 its special questions begin.
std::int64_t milliseconds(WallTime at) {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(at.time_since_epoch()).count();
  return std::max<std::int64_t>(whole, 0);
}

using ByPlace = std::map<std::pair<std::string_view, std::int32_t>, const OffsetQuestion*>;

/// A request may name a partition once, so a second question about it goes into a second request.
std::vector<ByPlace> layers_of(const std::vector<const OffsetQuestion*>& questions) {
  std::vector<ByPlace> layers;
  std::map<std::pair<std::string_view, std::int32_t>, std::size_t> count;
  for (const auto* question : questions) {
    const std::pair<std::string_view, std::int32_t> place(question->topic, question->partition);
    std::size_t layer = count[place]++;
    while (layer < layers.size() && layers[layer].size() >= kPartitionsAtOnce) ++layer;
    count[place] = layer + 1;
    if (layer >= layers.size()) layers.resize(layer + 1);
    layers[layer].emplace(place, question);
  }
  return layers;
}

KafkaRequest request_at(KafkaConnection& connection, const ByPlace& questions) {
  kafka::ListOffsetsRequest request;
  std::string_view topic;
  for (const auto& [place, question] : questions) {
    if (request.topics.empty() || place.first != topic) request.begin(place.first);
    topic = place.first;
    request.add(place.second, milliseconds(question->at));
  }
  return connection.prepare(request);
}

OffsetAt answer_to(const OffsetQuestion& question, const kafka::ListOffsetsReply::Partition& said,
                   const KafkaReply& reply) {
  OffsetAt answer{.question = question,
                  .asked = reply.asked,
                  .asked_wall = reply.sent_wall,
                  .offset = offset_of(said),
                  .timestamp = std::nullopt};
  if (answer.offset && said.timestamp >= 0)
    answer.timestamp = WallTime(std::chrono::milliseconds(
        std::min<std::int64_t>(said.timestamp, std::numeric_limits<std::int64_t>::max() / 1'000'000)));
  return answer;
}

}  // namespace

KafkaEnds::ByLeader KafkaEnds::by_leader(bool only_moved) const {
  ByLeader shares;
  for (auto* topic : cluster_.wanted()) {
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const auto& partition = topic->partitions[i];
      if (partition.leader < 0 || (only_moved && !partition.moved)) continue;
      shares[partition.leader].push_back({topic, static_cast<std::int32_t>(i)});
    }
  }
  return shares;
}

Task<std::size_t> KafkaEnds::ask(KafkaBroker* configs, SteadyTime deadline) {
  const ByLeader shares = by_leader(false);
  co_return co_await ask(shares, configs, deadline);
}

Task<std::size_t> KafkaEnds::ask_moved(SteadyTime deadline) {
  const ByLeader shares = by_leader(true);
  for (const auto& [leader, partitions] : shares) {
    for (const auto& placed : partitions)
      placed.topic->partitions[static_cast<std::size_t>(placed.partition)].moved = false;
  }
  co_return co_await ask(shares, nullptr, deadline);
}

Task<std::size_t> KafkaEnds::ask(const ByLeader& shares, KafkaBroker* configs, SteadyTime deadline) {
  static const std::vector<Placed> kNothing;
  std::vector<Task<bool>> tasks;
  bool configs_asked = configs == nullptr;
  for (const auto& [leader, partitions] : shares) {
    auto* const broker = brokers_.find(leader);
    if (!broker || !broker->well || !broker->connection.is_open()) continue;
    const bool configs_too = broker == configs;
    configs_asked = configs_asked || configs_too;
    tasks.push_back(ask_share(*broker, partitions, configs_too, deadline));
  }
  const bool alone = !configs_asked && configs->well && configs->connection.is_open();
  if (alone) tasks.push_back(ask_share(*configs, kNothing, true, deadline));
  co_await async::all(std::move(tasks));
  std::size_t moved = 0;
  for (const auto* topic : cluster_.wanted()) {
    moved += static_cast<std::size_t>(std::ranges::count(topic->partitions, true, &KafkaPartition::moved));
  }
  co_return moved;
}

/// The stable end before the end, so that it is never beyond it.
Task<bool> KafkaEnds::ask_share(KafkaBroker& broker, const std::vector<Placed>& partitions, bool configs,
                                SteadyTime deadline) {
  std::vector<KafkaRequest> requests;
  std::vector<int> whats;
  const auto add = [&](std::span<const Placed> some, What what) {
    kafka::ListOffsetsRequest request;
    if (what == kStableEnd) request.isolation = kafka::Isolation::read_committed;
    const KafkaTopic* topic = nullptr;
    for (const auto& placed : some) {
      if (what == kStart && !wants_start(placed)) continue;
      if (placed.topic != topic) request.begin(placed.topic->name);
      topic = placed.topic;
      request.add(placed.partition,
                  what == kStart ? kafka::ListOffsetsRequest::kEarliest : kafka::ListOffsetsRequest::kLatest);
    }
    if (topic == nullptr) return;
    requests.push_back(broker.connection.prepare(request));
    whats.push_back(what);
  };
  for (std::size_t i = 0; i < partitions.size(); i += kPartitionsAtOnce) {
    const auto some = std::span(partitions).subspan(i, std::min(kPartitionsAtOnce, partitions.size() - i));
    for (const What what : {kStableEnd, kEnd, kStart}) add(some, what);
  }
  if (configs && broker.connection.version(kafka::Api::describe_configs)) {
    const kafka::DescribeConfigsRequest request{wanted_configs()};
    if (!request.topics.empty()) {
      requests.push_back(broker.connection.prepare(request));
      whats.push_back(kConfigs);
    }
  }
  const KafkaTake take = [this, &whats](std::size_t i, const KafkaReply& reply) -> Result<void> {
    return this->take(whats[i], reply);
  };
  co_return co_await brokers_.converse(broker, kWhat, std::move(requests), take, deadline);
}

/// Where somebody is behind since the last round, deletion may overtake him.
bool KafkaEnds::wants_start(const Placed& placed) const {
  const auto number = static_cast<std::size_t>(placed.partition);
  const auto& partition = placed.topic->partitions[number];
  if (!partition.start || (cluster_.round() + number) % kStartRounds == 0) return true;
  if (partition.committed_round != cluster_.round()) return false;
  return partition.last_end && partition.least_committed < *partition.last_end;
}

std::vector<std::string_view> KafkaEnds::wanted_configs() {
  std::vector<std::string_view> topics;
  for (auto* topic : cluster_.wanted()) {
    const bool due = topic->configs_round == 0 || cluster_.round() - topic->configs_round >= kConfigRounds;
    if (!due) continue;
    if (topics.size() >= kConfigsAtOnce) break;
    topic->configs_round = cluster_.round();
    topics.push_back(topic->name);
  }
  return topics;
}

Result<void> KafkaEnds::take(int what, const KafkaReply& reply) {
  if (what == kConfigs) return take_configs(reply);
  const auto read = kafka::ListOffsetsReply::read(reply.body, reply.version);
  if (!read) return std::unexpected(read.error());
  for (const auto& said : read->topics) {
    auto* const topic = cluster_.find(said.name);
    if (!topic) continue;
    for (const auto& one : read->partitions(said)) {
      if (one.index < 0 || static_cast<std::size_t>(one.index) >= topic->partitions.size()) continue;
      auto& partition = topic->partitions[static_cast<std::size_t>(one.index)];
      if (has_moved(one.error)) partition.moved = true;
      const auto offset = offset_of(one);
      if (!offset) continue;
      if (what == kStart) {
        partition.start = offset;
      } else if (what == kStableEnd) {
        partition.stable_end = offset;
      } else {
        partition.end = offset;
        partition.asked_end = reply.asked;
      }
    }
  }
  return {};
}

/// A user who may not read configurations sees no retention; nothing else depends on it.
Result<void> KafkaEnds::take_configs(const KafkaReply& reply) {
  const auto read = kafka::DescribeConfigsReply::read(reply.body, reply.version);
  if (!read) return std::unexpected(read.error());
  for (const auto& said : read->topics) {
    auto* const topic = cluster_.find(said.name);
    if (!topic || said.error != kafka::ErrorCode::none) continue;
    topic->compacted = said.compacts.value_or(false);
    topic->retention.reset();
    const std::int64_t most = std::chrono::floor<std::chrono::milliseconds>(Nanoseconds::max()).count();
    if (said.deletes.value_or(true) && said.retention_ms && *said.retention_ms >= 0 &&
        *said.retention_ms <= most)
      topic->retention = std::chrono::milliseconds(*said.retention_ms);
  }
  return {};
}

Task<void> KafkaEnds::ask_at(const std::vector<OffsetQuestion>& questions, Facts& into, SteadyTime deadline) {
  std::map<std::int32_t, std::vector<const OffsetQuestion*>> shares;
  for (const auto& question : questions) {
    const auto* const partition = cluster_.find(question.topic, question.partition);
    if (partition && partition->leader >= 0) shares[partition->leader].push_back(&question);
  }
  std::vector<Task<bool>> tasks;
  for (auto& [leader, share] : shares) {
    auto* const broker = brokers_.find(leader);
    if (broker && broker->well) tasks.push_back(ask_share_at(*broker, std::move(share), into, deadline));
  }
  co_await async::all(std::move(tasks));
}

Task<bool> KafkaEnds::ask_share_at(KafkaBroker& broker, std::vector<const OffsetQuestion*> questions,
                                   Facts& into, SteadyTime deadline) {
  const bool open = co_await brokers_.open(broker, "offsets by time", deadline);
  if (!open) co_return false;
  const auto layers = layers_of(questions);
  std::vector<KafkaRequest> requests;
  requests.reserve(layers.size());
  for (const auto& layer : layers) requests.push_back(request_at(broker.connection, layer));
  const KafkaTake take = [&layers, &into](std::size_t i, const KafkaReply& reply) -> Result<void> {
    const auto read = kafka::ListOffsetsReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    for (const auto& said : read->topics) {
      for (const auto& one : read->partitions(said)) {
        const auto question = layers[i].find({said.name, one.index});
        if (question == layers[i].end() || one.error != kafka::ErrorCode::none) continue;
        into.offsets.push_back(answer_to(*question->second, one, reply));
      }
    }
    return {};
  };
  co_return co_await brokers_.converse(broker, "offsets by time", std::move(requests), take, deadline);
}

}  // namespace qw::probes
