#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

enum class GroupState : std::uint8_t {
  unknown,  ///< not told (ListGroups before v4), or a word of a later version
  preparing_rebalance,
  completing_rebalance,
  stable,
  dead,
  empty,
  assigning,    ///< new protocol: the coordinator computes an assignment
  reconciling,  ///< new protocol: members are on their way to it
};
GroupState read_group_state(std::string_view text);

/// Of which protocol a group is (ListGroups v5); unknown before it.
enum class GroupType : std::uint8_t { unknown, classic, consumer, share, streams };

/// The groups that one broker coordinates. Ask every broker; after a fail-over two can name the same group
/// (facts/kafka.md, trap 11).
struct ListGroupsRequest {
  static constexpr Api kApi = Api::list_groups;
  void write(Writer& out, std::int16_t version) const;
};

struct ListGroupsReply {
  struct Group {
    std::string_view name;
    std::string_view protocol_type;  ///< "consumer", "connect", ...; empty: only commits, no member ever
    GroupState state = GroupState::unknown;
    GroupType type = GroupType::unknown;
  };
  ErrorCode error = ErrorCode::none;
  std::vector<Group> groups;
  static Result<ListGroupsReply> read(std::string_view body, std::int16_t version,
                                      std::size_t max_elements = kMaxElements);
};

/// Groups of the classic protocol; many in one request. A live group of the new protocol answers Dead without
/// members and without an error (facts/consumer-lag.md 2, 10): describe what ListGroups calls `consumer` with
/// ConsumerGroupDescribeRequest.
struct DescribeGroupsRequest {
  static constexpr Api kApi = Api::describe_groups;
  std::vector<std::string_view> groups;
  void write(Writer& out, std::int16_t version) const;
};

struct DescribeGroupsReply {
  struct Member {
    std::string_view id;
    std::optional<std::string_view> instance_id;  ///< of a static member
    std::string_view client_id;
    std::string_view client_host;
    std::string_view
        assignment;  ///< for read_assignment() where the protocol type is "consumer"; empty: none yet
  };
  struct Group {
    ErrorCode error = ErrorCode::none;  ///< then the name counts and nothing else
    std::string_view name;
    GroupState state = GroupState::unknown;
    std::string_view protocol_type;
    std::string_view protocol;  ///< the assignor: "range"; empty unless stable
    Run members;
  };
  std::vector<Group> groups;
  std::vector<Member> all_members;

  std::span<const Member> members(const Group& group) const { return part(all_members, group.members); }
  static Result<DescribeGroupsReply> read(std::string_view body, std::int16_t version,
                                          std::size_t max_elements = kMaxElements);
};

/// What a member has, for both protocols.
struct AssignedTopic {
  std::string_view topic;
  Run partitions;
};

/// The assignment of a member of a classic consumer group (ConsumerProtocolAssignment v0 to v3, which add
/// nothing that counts here). Its bytes come from another client by way of the broker: trust them no more
/// than the rest.
struct Assignment {
  std::vector<AssignedTopic> topics;
  std::vector<std::int32_t> all_partitions;

  std::span<const std::int32_t> partitions(const AssignedTopic& topic) const {
    return part(all_partitions, topic.partitions);
  }
};
/// Empty bytes are an empty assignment.
Result<Assignment> read_assignment(std::string_view bytes, std::size_t max_elements = kMaxElements);

/// Groups of the new protocol (KIP-848; Kafka 3.7 with it switched on, 4.0 and newer).
struct ConsumerGroupDescribeRequest {
  static constexpr Api kApi = Api::consumer_group_describe;
  std::vector<std::string_view> groups;
  void write(Writer& out, std::int16_t version) const;
};

struct ConsumerGroupDescribeReply {
  struct Member {
    std::string_view id;
    std::optional<std::string_view> instance_id;
    std::string_view client_id;
    std::string_view client_host;
    std::int32_t epoch = -1;  ///< of the assignment that it has reached
    Run topics;               ///< in all_topics: what it has now
  };
  struct Group {
    ErrorCode error = ErrorCode::none;  ///< then the name counts and nothing else
    std::string_view name;
    GroupState state = GroupState::unknown;
    std::int32_t epoch = -1;             ///< grows with each change of members or subscriptions
    std::int32_t assignment_epoch = -1;  ///< the epoch that the target assignment was made for
    Run members;
  };
  std::vector<Group> groups;
  std::vector<Member> all_members;
  std::vector<AssignedTopic> all_topics;
  std::vector<std::int32_t> all_partitions;

  std::span<const Member> members(const Group& group) const { return part(all_members, group.members); }
  std::span<const AssignedTopic> topics(const Member& member) const {
    return part(all_topics, member.topics);
  }
  std::span<const std::int32_t> partitions(const AssignedTopic& topic) const {
    return part(all_partitions, topic.partitions);
  }
  static Result<ConsumerGroupDescribeReply> read(std::string_view body, std::int16_t version,
                                                 std::size_t max_elements = kMaxElements);
};

}  // namespace qw::wire::kafka
