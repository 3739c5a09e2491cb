#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

/// How a consumer group fares with a topic. The worst first: of several partitions, the worst one counts.
enum class ConsumerStatus : std::uint8_t {
  truncated,    ///< it has committed beyond the end of the log: the log has lost messages
  recreated,    ///< the topic was deleted and made again
  lossy,        ///< messages were deleted before it read them
  stopped,      ///< messages wait and nobody is there to read them
  stalled,      ///< messages wait, members are there, and nothing is committed
  blocked,      ///< what waits belongs to a transaction that stays open
  rebalancing,  ///< the members are sharing out the partitions again
  rewound,      ///< it went back to earlier messages
  slow,         ///< it reads, but less than comes in
  leaderless,   ///< the partition has no leader
  unknown,      ///< it could not be asked, or was not seen for long enough
  uncommitted,  ///< it has never committed anything
  ok,
};
inline constexpr std::size_t kConsumerStatuses = 13;

/// "stalled", as in the label `status`.
std::string_view name(ConsumerStatus status);
std::optional<ConsumerStatus> consumer_status(std::string_view name);

/// A group and a topic, as the samples of one round tell it.
struct ConsumerRow {
  std::string group, topic;
  ConsumerStatus status = ConsumerStatus::unknown;
  std::optional<double> messages, seconds, error_seconds;
  std::optional<double> blocked, lost, beyond_end, unknown_partitions, members, catch_up_seconds,
      retention_seconds;
};

/// All of them, the worst first.
std::vector<ConsumerRow> consumers_of(std::span<const Sample> samples);

/// Why it is so, in words for a person on call: "nobody is in the group, and 8705 messages wait".
std::string describe(const ConsumerRow& row);

}  // namespace qw
