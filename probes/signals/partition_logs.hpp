#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/signals/end_history.hpp"
#include "probes/signals/offset_search.hpp"

namespace qw::signals {

/// What is known of one partition's log; shared by all groups that read it.
struct PartitionState {
  std::int32_t partition = 0;
  bool leaderless = false;
  bool transactional = false;    ///< a transaction was seen open in it
  bool end_moved = false;        ///< since the look before
  bool disturbed = false;        ///< in this round its past changed: dates from before are void
  std::uint8_t stuck_looks = 0;  ///< in a row, in which the same transaction was open
  std::uint32_t asked = 0;       ///< the last look in which a question for it was planned
  std::uint32_t round = 0;       ///< the last one in which its leader told its end
  std::uint64_t end = 0, stable_end = 0, start = 0;  ///< the last that were told
  bool has_end = false;                              ///< in this round
  bool has_stable_end = false, has_start = false;
  EndHistory history;
  std::unique_ptr<OffsetTruths> truths;  ///< null: nothing was asked yet
};

struct TopicState {
  std::string name;
  std::string identity;
  std::optional<Nanoseconds> retention;
  bool compacted = false;
  std::uint32_t round = 0;  ///< the last one that it was told in
  SteadyTime seen;          ///< then
  std::optional<SteadyTime> recreated;
  std::vector<PartitionState> partitions;  ///< sorted

  PartitionState* find(std::int32_t partition);
};

/// The logs of a target's topics. Topics that are told no more are forgotten after a while.
class PartitionLogs {
 public:
  void observe(const TopicLog& log, std::uint32_t round);
  void forget(std::uint32_t round, SteadyTime now);
  /// Null: never heard of. Valid until the next forget().
  TopicState* find(std::string_view topic);
  /// Takes up an answer; null: it names a partition that is not known.
  PartitionState* observe(const OffsetAt& answer, std::uint32_t look);
  const std::optional<ClockTie>& tie() const { return tie_; }
  auto begin() { return topics_.begin(); }
  auto end() { return topics_.end(); }
  bool empty() const { return topics_.empty(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::unique_ptr<TopicState>, Hash, std::equal_to<>> topics_;
  std::optional<ClockTie> tie_;
};

}  // namespace qw::signals
