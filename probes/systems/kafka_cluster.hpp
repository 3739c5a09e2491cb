#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/base/name_filter.hpp"
#include "daemon/model/facts.hpp"
#include "probes/wire/kafka_metadata.hpp"

namespace qw::probes {

/// One partition: who leads it, and what its leader last said.
struct KafkaPartition {
  std::int32_t leader = -1;
  std::int32_t leader_epoch = -1;
  std::int32_t preferred = -1;
  std::uint16_t replicas = 0;
  std::uint16_t in_sync = 0;
  std::uint64_t confirmed = 0;  ///< the round in which a broker last said so

  // Of the round.
  std::uint64_t least_committed = 0;  ///< of all groups; only where `committed_round` is the round
  std::uint64_t committed_round = 0;
  bool moved = false;  ///< who was asked for its offsets leads it no more
  std::optional<std::uint64_t> end;
  std::optional<std::uint64_t> stable_end;
  Asked asked_end;

  // Kept.
  std::optional<std::uint64_t> last_end;
  std::optional<std::uint64_t> start;
};

struct KafkaTopic {
  explicit KafkaTopic(std::string_view its_name) : name(its_name) {}
  std::string name;
  wire::kafka::Uuid id{};
  bool selected = false;            ///< the topic filter wants it
  std::uint64_t seen = 0;           ///< the round in which it was last told of
  std::uint64_t wanted = 0;         ///< the round in which a group had last to do with it
  std::uint64_t configs_round = 0;  ///< when its configuration was last asked; 0: never
  std::optional<Nanoseconds> retention;
  bool compacted = false;
  std::vector<KafkaPartition> partitions;  ///< by number
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// A broker as the cluster announces it.
struct KafkaAddress {
  std::int32_t id = -1;
  std::string name;  ///< "host:port" as advertised
  std::string host;
  std::uint16_t port = 0;
};

/// What is known of a cluster from its metadata: who leads what. No I/O.
class KafkaCluster {
 public:
  explicit KafkaCluster(NameFilter topics) : filter_(std::move(topics)) {}

  void begin_round() {
    ++round_;
    wanted_.clear();
  }
  std::uint64_t round() const { return round_; }

  /// Takes over what a broker said of the cluster. A broker that is cut off from the others says old things
  /// for as long as it lasts: of each partition the newest leader epoch that anybody has named counts
  /// (facts/kafka.md 6).
  void update(const wire::kafka::MetadataReply& reply);
  /// Whether update() was called in this round.
  bool is_fresh() const { return updated_ == round_; }

  /// Whether the last reply named no topic at all.
  bool has_no_topic() const { return topics_.empty(); }

  const std::string& id() const { return id_; }
  /// The brokers that are alive, as the last reply had it; by id.
  const std::vector<KafkaAddress>& brokers() const { return brokers_; }
  /// Ids of brokers that should be alive: some partition's first replica is there.
  std::vector<std::int32_t> expected() const;

  /// Null: there is no such topic, or the filter does not want it.
  KafkaTopic* find(std::string_view topic);
  KafkaPartition* find(std::string_view topic, std::int32_t partition);
  bool wants(std::string_view topic) const { return filter_.wants(topic); }
  /// A group has to do with it, so that its offsets are asked in this round.
  void want(KafkaTopic& topic);
  /// Those that groups have to do with in this round.
  const std::vector<KafkaTopic*>& wanted() const { return wanted_; }

  /// The logs of the wanted topics.
  void add_logs(Facts& into) const;
  /// Numbers of partitions; `name_of` an id is the broker's name. Only after update() in this round.
  void add_readings(Facts& into, const std::function<std::string(std::int32_t)>& name_of) const;

 private:
  void update(KafkaTopic& topic, std::span<const wire::kafka::MetadataReply::Partition> said);
  void forget_deleted();

  NameFilter filter_;
  std::uint64_t round_ = 0;
  std::uint64_t updated_ = 0;
  std::string id_;
  std::vector<KafkaAddress> brokers_;
  std::unordered_map<std::string, KafkaTopic, TextHash, std::equal_to<>> topics_;
  std::vector<KafkaTopic*> wanted_;
};

extern const MetricFamily kKafkaBrokers, kKafkaBrokerUp, kKafkaBrokerLeaders, kKafkaPartitions,
    kKafkaLeaderless, kKafkaUnderReplicated, kKafkaNotPreferred;

}  // namespace qw::probes
