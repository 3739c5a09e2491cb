#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/model/consumers.hpp"
#include "daemon/model/facts.hpp"
#include "probes/signals/offset_search.hpp"
#include "probes/signals/partition_logs.hpp"
#include "probes/signals/rebalances.hpp"

namespace qw::signals {

/// How far one group has come in one partition. There are very many of them: fields are packed.
struct Place {
  std::int32_t partition = 0;
  ConsumerStatus status = ConsumerStatus::unknown;
  DatedBy dated_by = DatedBy::at_least;
  std::uint8_t looks = 0, frozen_looks = 0, growing_looks = 0;
  bool has_commit : 1 = false;
  bool assigned : 1 = false;
  bool dated : 1 = false;      ///< the three instants below are those of the oldest unread message
  bool lag_known : 1 = false;  ///< in this round
  bool shown : 1 = false;      ///< it is to have series of its own
  bool exported : 1 = false;   ///< it had them in the round before
  bool rewound : 1 = false, lost : 1 = false;  ///< `event` says when
  std::uint64_t committed = 0;
  std::uint64_t lag = 0;            ///< messages; where it is not known, at least
  std::uint64_t oldest_unread = 0;  ///< which message is dated
  std::uint64_t lost_until = 0;     ///< lost messages are counted up to here
  SteadyTime moved{};               ///< the commit moved, or it began to be behind
  SteadyTime frozen_until{};        ///< last look that found it where it was
  SteadyTime event{};
  SteadyTime shown_since{};                           ///< it last deserved to be shown
  std::uint32_t lag_before = 0, lag_long_before = 0;  ///< half a window ago, up to a window ago
  SteadyTime earliest{}, latest{}, about{};

  /// The first message that it has not read and that is still there.
  std::uint64_t position(const PartitionState& log) const {
    return log.has_start && log.start > committed ? log.start : committed;
  }
};

/// One group on one topic.
struct Consumer {
  std::string topic;
  TopicState* log = nullptr;       ///< of this round; null: not told
  std::vector<Place> places = {};  ///< by partition
  std::uint32_t round = 0;         ///< the last one that it was told in
  ConsumerStatus status = ConsumerStatus::unknown;
  std::uint64_t lost = 0;
  bool exported = false;                    ///< it had series in the round before
  std::uint16_t held = 0, held_before = 0;  ///< statuses of this hour and of the one before, by bit
  // What is usual between commits.
  Nanoseconds longest_gap{};
  std::uint16_t moves = 0;
  // Sums over all partitions, half a window ago and up to a window ago.
  struct Sums {
    SteadyTime at{};
    std::uint64_t committed = 0, end = 0;
    std::size_t places = 0;
    bool operator==(const Sums&) const = default;
  };
  Sums now{}, before{}, long_before{};

  Nanoseconds usual_gap() const;
  void learn_gap(Nanoseconds gap, bool in_trouble);
  /// The sums of half a window ago at least, for rates; null: they can not be compared with those of now.
  const Sums* base() const;
};

struct Group {
  std::string name;
  std::vector<Consumer> consumers;
  Rebalances rebalances;
  ConsumerState state = ConsumerState::unknown;
  std::optional<std::uint32_t> members;
  bool assignment_known = false;
  bool commits_without_members = false;
  bool had_no_members = false;  ///< in the look before
  std::uint32_t round = 0;
  Asked asked;
  Nanoseconds interval{};  ///< between the last two looks

  bool has_no_members() const {
    return state == ConsumerState::empty || state == ConsumerState::dead || members == 0U;
  }
  bool members_known() const { return has_no_members() || members.has_value(); }
  SteadyTime looked() const { return asked.sent + (asked.received - asked.sent) / 2; }
};

/// Takes up what the coordinator told of a group, against the logs of the same round.
void follow(Group& group, const ConsumerGroup& told, PartitionLogs& logs, std::uint32_t round,
            Nanoseconds window);

/// Judges each partition and, by the worst of them, the group on the topic.
void judge(Group& group, Consumer& consumer, Nanoseconds window, std::uint32_t round);

}  // namespace qw::signals
