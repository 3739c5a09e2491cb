#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/time.hpp"
#include "probes/wire/resp.hpp"

/// What the replies of a Redis server or Sentinel say, as plain values. Pure. A field that is missing or is
/// not a number where one belongs is nothing, never 0; an error is returned only for a reply that is not of
/// its command's form at all.
namespace qw::wire {

/// A refused command: "WRONGPASS invalid username-password pair". The first word is the code.
std::string_view error_code(const RespValue& reply);

enum class RedisRole : std::uint8_t { master, replica, sentinel };

/// ROLE.
Result<RedisRole> read_redis_role(const RespValue& reply);

/// TIME: seconds and microseconds of the server's wall clock.
Result<WallTime> read_redis_time(const RespValue& reply);

/// One `slaveN:` line of a master: what it knows of a replica. Its `lag` is left out on purpose: it is the
/// seconds since the last acknowledgement, 0 while the replica loads (facts/leadership-and-replication.md 2).
struct RedisReplica {
  std::string ip;
  std::uint16_t port = 0;
  std::string state;                    ///< online, wait_bgsave, send_bulk
  std::optional<std::uint64_t> offset;  ///< last acknowledged
};

/// INFO replication, INFO server and INFO persistence.
struct RedisInfo {
  std::optional<RedisRole> role;
  std::string run_id;  ///< minted at each start of the process
  std::string replid;
  std::string replid2;                       ///< empty: none (the server writes 40 zeros)
  std::optional<std::uint64_t> repl_offset;  ///< master_repl_offset, which replicas have too
  std::optional<std::uint64_t>
      second_offset;  ///< second_repl_offset: the first byte that is not replid2's any more
  std::optional<std::uint64_t>
      replica_offset;  ///< slave_repl_offset; nothing for the 1 of a replica without a master's state
  std::string master_host;
  std::uint16_t master_port = 0;
  std::optional<bool> link_up;
  bool failing_over = false;  ///< FAILOVER is under way on this master
  std::vector<RedisReplica> replicas;
  std::optional<WallTime> server_time;  ///< server_time_usec, since 6.2
  std::optional<std::uint64_t>
      changes;  ///< rdb_changes_since_last_save: changes to data, and nothing but data
};

/// Adds what `text`, the reply to one INFO, says. Unknown lines are skipped.
void read_redis_info(std::string_view text, RedisInfo& into);

/// One monitored master as a Sentinel sees it.
struct SentinelMaster {
  std::string name;
  std::string ip;
  std::uint16_t port = 0;
  std::string run_id;
  bool subjectively_down = false;
  bool objectively_down = false;
  bool failing_over = false;  ///< this Sentinel carries out a fail-over
  bool forced = false;        ///< because SENTINEL FAILOVER told it to
  std::optional<std::uint64_t> config_epoch;
  std::optional<std::uint64_t> quorum;
  std::optional<std::uint64_t> other_sentinels;
  std::optional<Nanoseconds> down_after;
};

/// SENTINEL MASTER name: one flat map of names and values.
Result<SentinelMaster> read_sentinel_master(const RespValue& reply);
/// SENTINEL MASTERS: an array of such maps.
Result<std::vector<SentinelMaster>> read_sentinel_masters(const RespValue& reply);

/// INFO sentinel: whether the Sentinel is in tilt mode (its own clock or scheduling jumped, so it acts on
/// nothing); nothing when it does not say.
std::optional<bool> read_sentinel_tilt(std::string_view info);

}  // namespace qw::wire
