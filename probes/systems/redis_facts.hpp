#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/model/facts.hpp"
#include "probes/systems/redis_connection.hpp"
#include "probes/systems/redis_names.hpp"
#include "probes/wire/redis_reply.hpp"

/// From replies to facts, without I/O: which commands are asked, and what their answers mean.
namespace qw::probes {

/// A look at a clock: what it said, and between which of our own times.
struct RedisClock {
  std::string source;
  Asked asked;
  WallTime sent;
  WallTime received;
  WallTime remote;
};

/// What a data node said.
struct RedisNodeSaid {
  std::string member;
  Asked pinged;                         ///< until the first reply: the round trip
  Asked informed;                       ///< until ROLE and INFO were in
  bool loading = false;                 ///< it still reads its data file and serves nobody
  std::optional<wire::RedisRole> role;  ///< nothing where ROLE and INFO differ: it changed in between
  wire::RedisInfo info;
  std::optional<RedisClock> clock;
  // What earlier looks add to a leader's words (RedisHistory).
  std::string tenure;                       ///< the replid with which it came into office
  std::optional<std::uint64_t> data_until;  ///< beyond this there is only traffic of the system itself
};

/// What a Sentinel said.
struct RedisSentinelSaid {
  std::string member;
  Asked pinged;
  Asked informed;
  std::optional<wire::SentinelMaster> master;  ///< nothing: it does not know the master
  std::optional<bool> tilt;
  std::optional<bool> quorum_reachable;
  std::optional<RedisClock> clock;
};

/// What one server came to: what it said, or why it said nothing.
using RedisSaid = std::variant<RedisNodeSaid, RedisSentinelSaid, Unanswered>;

RedisPipeline node_pipeline();
/// The answer to node_pipeline().
RedisSaid read_node(const std::string& member, const RedisExchange& exchange);

/// `master` empty: it is not known yet, so all masters are asked for and CKQUORUM is left for later.
RedisPipeline sentinel_pipeline(std::string_view master);
/// The answer to sentinel_pipeline(master). Without `master` the Sentinel must monitor exactly one.
RedisSaid read_sentinel(const std::string& member, std::string_view master, const RedisExchange& exchange);
RedisPipeline quorum_pipeline(std::string_view master);
std::optional<bool> read_quorum(const wire::RespValue& reply);

/// Adds what everybody said. `names` already knows what `said` teaches about addresses.
void add_facts(std::span<const RedisSaid> said, const RedisNames& names, Facts& into);

extern const MetricFamily kSentinelTilt, kSentinelQuorum, kSentinelQuorumReachable, kSentinelMasterDown;

}  // namespace qw::probes
