#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// What the committed offsets of groups are. Ask the coordinator of the groups.
struct OffsetFetchRequest {
  static constexpr Api kApi = Api::offset_fetch;
  /// From here on a request takes many groups; below it, exactly one.
  static constexpr std::int16_t kFirstBatched = 8;
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;
  };
  std::vector<std::string_view> groups;
  /// The same for every group. Nothing: all partitions that have a commit.
  std::optional<std::vector<Topic>> topics;
  void write(Writer& out, std::int16_t version) const;
};

struct OffsetFetchReply {
  struct Commit {
    std::int64_t offset = -1;  ///< the next message to read; -1: nothing is committed
    std::int32_t partition = 0;
    ErrorCode error = ErrorCode::none;
  };
  struct Topic {
    std::string_view name;
    Run commits;
  };
  struct Group {
    std::string_view name;              ///< empty below kFirstBatched: it is the one that was asked
    ErrorCode error = ErrorCode::none;  ///< NOT_COORDINATOR and the like
    Run topics;
  };
  std::vector<Group> groups;
  std::vector<Topic> all_topics;
  std::vector<Commit> all_commits;

  std::span<const Topic> topics(const Group& group) const { return part(all_topics, group.topics); }
  std::span<const Commit> commits(const Topic& topic) const { return part(all_commits, topic.commits); }
  static Result<OffsetFetchReply> read(std::string_view body, std::int16_t version,
                                       std::size_t max_elements = kMaxElements);
};

/// Whose end is the end.
enum class Isolation : std::int8_t {
  read_uncommitted = 0,  ///< the high watermark
  read_committed = 1,    ///< the last stable offset: where the first open transaction begins
};

/// Ends, starts, and the first message at or after an instant. Ask the leader of the partitions.
struct ListOffsetsRequest {
  static constexpr Api kApi = Api::list_offsets;
  static constexpr std::int64_t kLatest = -1;
  static constexpr std::int64_t kEarliest = -2;
  struct Partition {
    std::int64_t timestamp = kLatest;  ///< or milliseconds since the Unix epoch
    std::int32_t index = 0;
  };
  struct Topic {
    std::string_view name;
    Run partitions;
  };
  Isolation isolation = Isolation::read_uncommitted;
  std::vector<Topic> topics;
  std::vector<Partition> all_partitions;

  /// begin("orders"), add(0, kLatest), add(1, kLatest), begin("payments"), ... A topic comes once; so does a
  /// partition.
  void begin(std::string_view topic);
  void add(std::int32_t partition, std::int64_t timestamp);
  /// The leader epoch goes out as -1: a fresh one is refused by brokers that lag behind (facts/kafka.md, trap
  /// 11).
  void write(Writer& out, std::int16_t version) const;
};

struct ListOffsetsReply {
  struct Partition {
    std::int64_t offset = -1;     ///< -1 with an error, or when no message is that young
    std::int64_t timestamp = -1;  ///< of that message, ms since the Unix epoch; -1 for kLatest and kEarliest
    std::int32_t index = 0;
    std::int32_t leader_epoch = -1;  ///< -1: not told (before v4, or an old message format)
    ErrorCode error = ErrorCode::none;
  };
  struct Topic {
    std::string_view name;
    Run partitions;
  };
  std::vector<Topic> topics;
  std::vector<Partition> all_partitions;

  std::span<const Partition> partitions(const Topic& topic) const {
    return part(all_partitions, topic.partitions);
  }
  static Result<ListOffsetsReply> read(std::string_view body, std::int16_t version,
                                       std::size_t max_elements = kMaxElements);
};

}  // namespace qw::wire::kafka
