#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "probes/systems/kafka_brokers.hpp"
#include "probes/wire/kafka_offsets.hpp"

namespace qw::probes {

/// What the leaders of partitions say of their logs. What a leader does not say stays unknown, and it has a
/// trouble.
class KafkaEnds {
 public:
  KafkaEnds(KafkaCluster& cluster, KafkaBrokers& brokers, const Clock& clock)
      : cluster_(cluster), brokers_(brokers), clock_(clock) {}

  /// Ends, stable ends and (now and then) starts of the wanted topics, into the cluster's partitions.
  /// `configs` is asked for the topics' retention too; null: nobody. Returns how many partitions are led by
  /// another one than it was thought.
  Task<std::size_t> ask(KafkaBroker* configs, SteadyTime deadline);
  /// Asks again for the partitions that were led by another one.
  Task<std::size_t> ask_moved(SteadyTime deadline);
  /// Offsets by timestamp.
  Task<void> ask_at(const std::vector<OffsetQuestion>& questions, Facts& into, SteadyTime deadline);

 private:
  struct Slice;
  struct Share;
  struct Placed {
    KafkaTopic* topic;
    std::int32_t partition;
  };
  using ByLeader = std::map<std::int32_t, std::vector<Placed>>;

  ByLeader by_leader(bool only_moved) const;
  Task<std::size_t> ask(const ByLeader& shares, KafkaBroker* configs, SteadyTime deadline);
  Task<bool> ask_share(KafkaBroker& broker, const std::vector<Placed>& partitions, bool configs,
                       SteadyTime deadline);
  Task<bool> ask_share_at(KafkaBroker& broker, std::vector<const OffsetQuestion*> questions, Facts& into,
                          SteadyTime deadline);
  bool wants_start(const Placed& placed) const;
  std::vector<std::string_view> wanted_configs();
  Result<void> take(int what, const KafkaReply& reply);
  Result<void> take_configs(const KafkaReply& reply);

  KafkaCluster& cluster_;
  KafkaBrokers& brokers_;
  const Clock& clock_;
};

}  // namespace qw::probes
