#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// The KRaft quorum as its active controller knows it. Ask each controller itself: one that does not lead
/// says NOT_LEADER_OR_FOLLOWER and nothing else, and a broker passes the question on (facts/kafka.md, traps 2
/// and 3).
struct DescribeQuorumRequest {
  static constexpr Api kApi = Api::describe_quorum;
  void write(Writer& out, std::int16_t version) const;
};

struct DescribeQuorumReply {
  struct Replica {
    std::int32_t id = -1;
    std::int64_t log_end = -1;        ///< -1: not known
    std::int64_t last_fetch_ms = -1;  ///< wall clock of the leader; -1: not told (v0) or never
    std::int64_t last_caught_up_ms = -1;
  };
  ErrorCode error = ErrorCode::none;  ///< of the whole or of the partition; then nothing else counts
  std::int32_t leader = -1;
  std::int32_t leader_epoch = -1;
  std::int64_t high_watermark = -1;
  std::vector<Replica> voters;
  std::vector<Replica> observers;  ///< brokers and controllers that have no vote

  static Result<DescribeQuorumReply> read(std::string_view body, std::int16_t version);
};

/// Makes any controller tell whom it follows, in which epoch: a Fetch of the metadata log with a leader epoch
/// that is always too old, so that each answers FENCED_LEADER_EPOCH with its own leader and epoch, 83 bytes
/// in all (3.9.2). It changes nothing. Not epoch 1: a leader that is still in it sends its log instead (124
/// KB, measured).
struct QuorumViewRequest {
  static constexpr Api kApi = Api::fetch;
  static constexpr std::int32_t kOldEpoch = 0;
  void write(Writer& out, std::int16_t version) const;
};

struct QuorumView {
  /// Expected are FENCED_LEADER_EPOCH and NOT_LEADER_OR_FOLLOWER. What follows counts whatever the error is.
  ErrorCode error = ErrorCode::none;
  std::optional<std::int32_t> leader;  ///< itself, if it leads; nothing: it knows none
  std::optional<std::int32_t> epoch;   ///< nothing: not told

  static Result<QuorumView> read(std::string_view body, std::int16_t version);
};

}  // namespace qw::wire::kafka
