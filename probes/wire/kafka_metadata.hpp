#pragma once
#include <optional>
#include <span>
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// Brokers, topics and who leads their partitions. Never makes a topic: versions below 4 could, so we do not
/// speak them (every Kafka since 0.11 speaks 4).
struct MetadataRequest {
  static constexpr Api kApi = Api::metadata;
  /// Nothing: all that the user may describe. Empty: none, which asks for the brokers only.
  std::optional<std::vector<std::string_view>> topics;
  void write(Writer& out, std::int16_t version) const;
};

struct MetadataReply {
  struct Broker {
    std::int32_t id = -1;
    std::string_view host;
    std::int32_t port = 0;
    std::optional<std::string_view> rack;
  };
  struct Partition {
    ErrorCode error = ErrorCode::none;  ///< LEADER_NOT_AVAILABLE; REPLICA_NOT_AVAILABLE is no trouble
    std::int32_t index = 0;
    std::int32_t leader = -1;        ///< -1: none
    std::int32_t leader_epoch = -1;  ///< -1: not told (before v7)
    std::int32_t preferred = -1;     ///< the first replica; -1: none is listed
    std::uint16_t replicas = 0;
    std::uint16_t in_sync = 0;
    std::uint16_t offline = 0;  ///< replicas on brokers or disks that are down
  };
  struct Topic {
    ErrorCode error = ErrorCode::none;
    std::string_view name;
    Uuid id{};  ///< zeros before v10
    bool internal = false;
    Run partitions;
  };
  std::vector<Broker> brokers;  ///< those alive, as the broker that answers knows
  std::string_view cluster_id;
  /// On ZooKeeper-mode clusters the controller; in KRaft mode any broker at random (facts/kafka.md, trap 4).
  /// -1: none.
  std::int32_t controller = -1;
  std::vector<Topic> topics;
  std::vector<Partition> all_partitions;  ///< of all topics, in the order of the reply (not sorted)

  std::span<const Partition> partitions(const Topic& topic) const {
    return part(all_partitions, topic.partitions);
  }
  static Result<MetadataReply> read(std::string_view body, std::int16_t version,
                                    std::size_t max_elements = kMaxElements);
};

}  // namespace qw::wire::kafka
