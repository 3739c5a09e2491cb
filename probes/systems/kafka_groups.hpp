#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/base/name_filter.hpp"
#include "probes/systems/kafka_brokers.hpp"
#include "probes/wire/kafka_groups.hpp"
#include "probes/wire/kafka_offsets.hpp"

namespace qw::probes {

ConsumerState consumer_state(wire::kafka::GroupState state);

/// The consumer groups of one round: who coordinates them, their states, members and commits. What a
/// coordinator did not tell is left out, and the coordinator has a trouble.
class KafkaGroups {
 public:
  KafkaGroups(const NameFilter& filter, KafkaCluster& cluster, KafkaBrokers& brokers)
      : filter_(filter), cluster_(cluster), brokers_(brokers) {}

  /// Takes over which groups a broker coordinates, as ListGroups has it.
  void take_list(KafkaBroker& broker, const wire::kafka::ListGroupsReply& reply);
  /// Asks every coordinator about its groups. `adviser` tells the coordinator of those that two brokers list.
  Task<void> ask(KafkaBroker* adviser, SteadyTime deadline);
  /// The groups whose commits are known.
  void move_to(Facts& into);

 private:
  static constexpr std::size_t kMostNameBytes = 255;
  static constexpr std::string_view kWhatCommits = "commits of its groups";

  struct Group {
    ConsumerGroup fact;
    std::string raw_name;    ///< as the broker has it
    bool modern = false;     ///< of the new protocol
    bool committed = false;  ///< its commits are known
    bool moved = false;      ///< this broker coordinates it no more
  };
  /// The groups of one coordinator.
  struct Share {
    explicit Share(KafkaBroker& its_broker) : broker(&its_broker) {}
    KafkaBroker* broker;
    std::vector<Group> groups;
    std::unordered_map<std::string_view, std::size_t> by_name;
    Group* find(std::string_view name);
  };
  /// What one request was for.
  struct Batch {
    wire::kafka::Api api;
    std::size_t only = 0;  ///< the group, where a request takes one
  };

  Share& share_of(KafkaBroker& broker);
  void index(Share& share);
  Task<void> settle_duplicates(KafkaBroker* adviser, SteadyTime deadline);
  Task<void> follow_moved(KafkaBroker* adviser, SteadyTime deadline);
  Task<std::unordered_map<std::string, std::int32_t>> find_coordinators(KafkaBroker& adviser,
                                                                        std::vector<std::string_view> groups,
                                                                        SteadyTime deadline);
  Task<bool> ask_share(Share& share, SteadyTime deadline);
  Task<bool> ask_modern(Share& share, std::vector<std::string_view> names, SteadyTime deadline);
  Result<void> take(Share& share, const Batch& batch, const KafkaReply& reply);
  Result<void> take_commits(Share& share, const Batch& batch, const KafkaReply& reply);
  Result<void> take_classic(Share& share, const KafkaReply& reply);
  Result<void> take_modern(Share& share, const KafkaReply& reply);
  void add_commits(Group& group, const wire::kafka::OffsetFetchReply& reply,
                   const wire::kafka::OffsetFetchReply::Group& said);
  void note_commit(KafkaTopic* topic, std::int32_t partition, std::uint64_t committed);
  void assign(ConsumerGroup& group, std::string_view topic, std::span<const std::int32_t> partitions);

  const NameFilter& filter_;
  KafkaCluster& cluster_;
  KafkaBrokers& brokers_;
  std::vector<std::unique_ptr<Share>> shares_;
};

}  // namespace qw::probes
