#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "probes/systems/redis_facts.hpp"

namespace qw::probes {

/// What earlier looks add to the words of a leader. Two things that a Redis server says are not what they
/// seem:
///
/// Its offset grows without any client: every Sentinel publishes a greeting of about 140 bytes on every node
/// each 2 s, and publications are replicated. The old master of a clean fail-over gained 1781 bytes in the 11
/// s until it was demoted, and not one write. So a leader that has changed no data
/// (rdb_changes_since_last_save) since before another left its history has written nothing there that could
/// be lost.
///
/// Its replid changes without any election when it has had no replica for repl-backlog-ttl (an hour). Unlike
/// a promotion that leaves no second replid.
class RedisHistory {
 public:
  /// Sets `tenure` and `data_until` of every leader in `said`.
  void amend(std::span<RedisSaid> said);

 private:
  struct Node {
    std::string run_id, replid, replid2, tenure;
    std::optional<std::uint64_t> second_offset;
    bool leads = false;
    std::optional<std::uint64_t> changes;
    std::uint64_t unchanged_from = 0;  ///< the offset at the first look since which `changes` has stood still
  };
  void learn(const RedisNodeSaid& node);
  std::optional<std::uint64_t> fork_from(const std::string& replid) const;

  std::map<std::string, Node> nodes_;  ///< by member
};

}  // namespace qw::probes
