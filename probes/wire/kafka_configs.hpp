#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// How long topics keep their messages (retention.ms) and whether they are compacted (cleanup.policy), with
/// the defaults of the broker applied. Needs the right DescribeConfigs on the topics.
struct DescribeConfigsRequest {
  static constexpr Api kApi = Api::describe_configs;
  std::vector<std::string_view> topics;
  void write(Writer& out, std::int16_t version) const;
};

struct DescribeConfigsReply {
  struct Topic {
    ErrorCode error = ErrorCode::none;
    std::string_view name;
    std::optional<std::int64_t> retention_ms;  ///< -1: unlimited; nothing: not told, or not a number
    std::optional<bool> deletes;               ///< cleanup.policy has `delete`
    std::optional<bool> compacts;              ///< cleanup.policy has `compact`
  };
  std::vector<Topic> topics;

  static Result<DescribeConfigsReply> read(std::string_view body, std::int16_t version,
                                           std::size_t max_elements = kMaxElements);
};

}  // namespace qw::wire::kafka
