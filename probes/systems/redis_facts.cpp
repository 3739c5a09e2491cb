#include "probes/systems/redis_facts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::probes {

using wire::RedisRole;
using wire::RespValue;

const MetricFamily kSentinelTilt{
    "quorumwatch_sentinel_tilt", MetricType::gauge,
    "Whether the Sentinel is in tilt mode, in which it watches but does not act.", "member"};
const MetricFamily kSentinelQuorum{
    "quorumwatch_sentinel_quorum", MetricType::gauge,
    "Sentinels that must agree that the master is down, as this Sentinel is configured.", "member"};
const MetricFamily kSentinelQuorumReachable{"quorumwatch_sentinel_quorum_reachable", MetricType::gauge,
                                            "Whether this Sentinel reaches enough others to agree on a "
                                            "failure and to authorize a fail-over (CKQUORUM).",
                                            "member"};
const MetricFamily kSentinelMasterDown{"quorumwatch_sentinel_master_down", MetricType::gauge,
                                       "Whether the master is down as this Sentinel sees it: subjective (by "
                                       "itself) or objective (a quorum agrees).",
                                       "member kind"};

namespace {

// Places in node_pipeline(). TIME stands before the long replies: where those take several packets, its own
// interval stays short. One pipeline for all costs the clock and the round trip 4 us (32 us instead of 28 us
// on loopback, 7.0.15), a second one a whole round trip more.
enum NodeReply : std::size_t { kPing, kTime, kRole, kInfoReplication, kInfoServer, kInfoPersistence };
// Places in sentinel_pipeline(). A Sentinel knows no TIME (checked with 7.0.15); its INFO has the clock.
enum SentinelReply : std::size_t { kSentinelPing, kMasters, kInfoSentinel, kSentinelServer, kCkQuorum };

std::string words_of(std::string_view command, const RespValue& reply) {
  return fmt::format("{}: {}", command, sanitize(reply.text));
}

RedisSaid unanswered(const std::string& member, Asked asked, ErrorKind kind, std::string message) {
  return Unanswered{member, asked, Error(kind, std::move(message))};
}

RedisClock clock_at(std::string source, const RedisExchange& exchange, std::size_t reply, WallTime remote) {
  return {std::move(source), exchange.asked(reply), exchange.sent_wall, exchange.answers[reply].received_wall,
          remote};
}

/// INFO's server_time_usec is there since 6.2.
std::optional<RedisClock> clock_in_info(const RedisExchange& exchange, std::size_t reply,
                                        const wire::RedisInfo& info) {
  if (!info.server_time) return std::nullopt;
  return clock_at("redis_info", exchange, reply, *info.server_time);
}

}  // namespace

RedisPipeline node_pipeline() {
  RedisPipeline pipeline;
  pipeline.add({"PING"});
  pipeline.add({"TIME"});
  pipeline.add({"ROLE"});
  pipeline.add({"INFO", "replication"});
  pipeline.add({"INFO", "server"});
  pipeline.add({"INFO", "persistence"});
  return pipeline;
}

RedisSaid read_node(const std::string& member, const RedisExchange& exchange) {
  const Asked asked = exchange.asked(kInfoPersistence);
  const RespValue& info = exchange.value(kInfoReplication);
  if (info.is(RespValue::Kind::error))
    return unanswered(member, asked, ErrorKind::rejected, words_of("INFO", info));
  if (!info.is_text()) return unanswered(member, asked, ErrorKind::protocol, "INFO: expected a text");

  RedisNodeSaid said;
  said.member = member;
  said.pinged = exchange.asked(kPing);
  said.informed = asked;
  said.loading = wire::error_code(exchange.value(kPing)) == "LOADING";
  wire::read_redis_info(info.text, said.info);
  for (const NodeReply more : {kInfoServer, kInfoPersistence}) {
    if (exchange.value(more).is_text()) wire::read_redis_info(exchange.value(more).text, said.info);
  }
  said.tenure = said.info.replid;

  said.role = said.info.role;
  if (!said.role) return unanswered(member, asked, ErrorKind::protocol, "INFO: no role");
  // Where ROLE is refused (some servers that speak the protocol lack it) INFO alone decides.
  const auto role = wire::read_redis_role(exchange.value(kRole));
  if (role && *role != *said.role) said.role.reset();
  if (said.role == RedisRole::sentinel) {
    return unanswered(member, asked, ErrorKind::config, "it is a Sentinel and belongs under 'sentinels'");
  }
  const auto time = wire::read_redis_time(exchange.value(kTime));
  if (time) said.clock = clock_at("redis_time", exchange, kTime, *time);
  return said;
}

RedisPipeline sentinel_pipeline(std::string_view master) {
  RedisPipeline pipeline;
  pipeline.add({"PING"});
  if (master.empty())
    pipeline.add({"SENTINEL", "MASTERS"});
  else
    pipeline.add({"SENTINEL", "MASTER", master});
  pipeline.add({"INFO", "sentinel"});
  pipeline.add({"INFO", "server"});
  if (!master.empty()) pipeline.add({"SENTINEL", "CKQUORUM", master});
  return pipeline;
}

namespace {

/// The master that is meant; nothing when the Sentinel does not know it.
Result<std::optional<wire::SentinelMaster>> master_in(const RespValue& reply, std::string_view wanted) {
  if (!wanted.empty()) {
    // "-ERR No such master with that name": it has answered, and does not know.
    if (reply.is(RespValue::Kind::error) && reply.text.contains("No such master")) return std::nullopt;
    if (reply.is(RespValue::Kind::error))
      return fail(ErrorKind::rejected, words_of("SENTINEL MASTER", reply));
    auto master = wire::read_sentinel_master(reply);
    if (!master) return std::unexpected(master.error());
    return std::move(*master);
  }
  if (reply.is(RespValue::Kind::error)) return fail(ErrorKind::rejected, words_of("SENTINEL MASTERS", reply));
  auto masters = wire::read_sentinel_masters(reply);
  if (!masters) return std::unexpected(masters.error());
  if (masters->empty()) return std::nullopt;
  if (masters->size() == 1) return std::move(masters->front());
  std::string names;
  for (const auto& master : *masters) names += (names.empty() ? "" : ", ") + master.name;
  return fail(ErrorKind::config,
              fmt::format("it monitors {} masters ({}), so 'sentinel_master' must name one", masters->size(),
                          sanitize(names)));
}

}  // namespace

RedisSaid read_sentinel(const std::string& member, std::string_view wanted, const RedisExchange& exchange) {
  const Asked asked = exchange.asked(exchange.answers.size() - 1);
  auto master = master_in(exchange.value(kMasters), wanted);
  if (!master) return Unanswered{member, asked, master.error()};
  const RespValue& info = exchange.value(kInfoSentinel);
  if (info.is(RespValue::Kind::error))
    return unanswered(member, asked, ErrorKind::rejected, words_of("INFO", info));

  RedisSentinelSaid said;
  said.member = member;
  said.pinged = exchange.asked(kSentinelPing);
  said.informed = asked;
  said.master = std::move(*master);
  said.tilt = wire::read_sentinel_tilt(info.text);
  wire::RedisInfo server;
  wire::read_redis_info(exchange.value(kSentinelServer).text, server);
  said.clock = clock_in_info(exchange, kSentinelServer, server);
  if (!wanted.empty()) said.quorum_reachable = read_quorum(exchange.value(kCkQuorum));
  return said;
}

RedisPipeline quorum_pipeline(std::string_view master) {
  RedisPipeline pipeline;
  pipeline.add({"SENTINEL", "CKQUORUM", master});
  return pipeline;
}

std::optional<bool> read_quorum(const RespValue& reply) {
  if (reply.is(RespValue::Kind::simple) && reply.text.starts_with("OK")) return true;
  if (wire::error_code(reply) == "NOQUORUM") return false;
  return std::nullopt;
}

namespace {

/// Turns what was said into facts, one kind of fact a function.
class FactWriter {
 public:
  FactWriter(std::span<const RedisSaid> said, const RedisNames& names, Facts& into)
      : said_(said), names_(names), into_(into) {}

  void operator()(const Unanswered& none) { into_.unanswered.push_back(none); }
  void operator()(const RedisNodeSaid& node);
  void operator()(const RedisSentinelSaid& sentinel);

 private:
  void add_claim(const RedisNodeSaid& node);
  void add_own_position(const RedisNodeSaid& node);
  void add_positions_of_replicas(const RedisNodeSaid& master);
  void add_claim(const RedisSentinelSaid& sentinel);
  void add_readings(const RedisSentinelSaid& sentinel);
  void add_times(const std::string& member, Asked pinged, const std::optional<RedisClock>& clock);
  std::string master_of(const RedisNodeSaid& replica) const;

  std::span<const RedisSaid> said_;
  const RedisNames& names_;
  Facts& into_;
};

void FactWriter::operator()(const RedisNodeSaid& node) {
  add_claim(node);
  if (node.role && !node.loading) add_own_position(node);
  if (node.role == RedisRole::master && !node.loading) add_positions_of_replicas(node);
  add_times(node.member, node.pinged, node.clock);
}

void FactWriter::add_claim(const RedisNodeSaid& node) {
  LeadershipClaim claim;
  claim.member = node.member;
  claim.asked = node.informed;
  claim.votes = false;
  if (node.role && !node.loading) {
    const bool leads = node.role == RedisRole::master;
    claim.claim = leads ? Claim::leader : Claim::not_leader;
    claim.handing_over = leads && node.info.failing_over;
    if (!leads) claim.follows = master_of(node);
    // Every promotion mints a replid and every start of a process a run id, so the two together never come
    // back.
    if (leads && !node.info.run_id.empty()) claim.tenure.token = node.info.run_id + "/" + node.tenure;
  }
  into_.claims.push_back(std::move(claim));
}

/// The configured name of the address that the replica was told; where that address is nobody's (a host name,
/// NAT), the one leader whose history the replica has.
std::string FactWriter::master_of(const RedisNodeSaid& replica) const {
  std::string name = names_.name_of(replica.info.master_host, replica.info.master_port);
  if (names_.is_member(name) || replica.info.link_up != true) return name;
  const RedisNodeSaid* master = nullptr;
  for (const RedisSaid& other : said_) {
    const auto* node = std::get_if<RedisNodeSaid>(&other);
    if (!node || node->role != RedisRole::master || node->info.replid != replica.info.replid) continue;
    if (master) return name;
    master = node;
  }
  return master ? master->member : name;
}

void FactWriter::add_own_position(const RedisNodeSaid& node) {
  const wire::RedisInfo& info = node.info;
  const bool leads = node.role == RedisRole::master;
  // A replica in a full resynchronization has no position of its own any more; master_repl_offset is where
  // its data still is.
  const auto position = leads || !info.replica_offset ? info.repl_offset : info.replica_offset;
  if (!position || info.replid.empty()) return;
  ReplicaPosition own;
  own.member = node.member;
  own.reported_by = node.member;
  own.asked = node.informed;
  own.role = leads ? Role::leader : Role::replica;
  own.lineage = info.replid;
  own.position = *position;
  if (leads) own.data_until = node.data_until;
  if (!leads && info.link_up) own.link = *info.link_up ? Link::up : Link::down;
  // second_repl_offset is the first byte of the new history, so the old one is shared up to the byte before.
  if (!info.replid2.empty() && info.second_offset && *info.second_offset > 0) {
    own.forked_from = Fork{info.replid2, *info.second_offset - 1};
  }
  into_.positions.push_back(std::move(own));
}

/// What the master was last acknowledged. A replica that still loads has acknowledged nothing that would be a
/// position.
void FactWriter::add_positions_of_replicas(const RedisNodeSaid& master) {
  for (const wire::RedisReplica& replica : master.info.replicas) {
    if (replica.state != "online" || replica.offset.value_or(0) == 0 || replica.port == 0) continue;
    ReplicaPosition seen;
    seen.member = names_.name_of(replica.ip, replica.port);
    seen.reported_by = master.member;
    seen.asked = master.informed;
    seen.role = Role::replica;
    seen.lineage = master.info.replid;
    seen.position = *replica.offset;
    seen.link = Link::up;
    into_.positions.push_back(std::move(seen));
  }
}

void FactWriter::operator()(const RedisSentinelSaid& sentinel) {
  add_claim(sentinel);
  add_readings(sentinel);
  add_times(sentinel.member, sentinel.pinged, sentinel.clock);
}

void FactWriter::add_claim(const RedisSentinelSaid& sentinel) {
  LeadershipClaim claim;
  claim.member = sentinel.member;
  claim.asked = sentinel.informed;
  claim.may_lead = false;
  const auto& master = sentinel.master;
  if (master && sentinel.tilt != true) {
    claim.claim = Claim::not_leader;
    claim.follows = names_.name_of(master->ip, master->port, master->run_id);
    claim.tenure.lineage = "sentinel:" + master->name;
    claim.tenure.epoch = master->config_epoch;
    claim.campaigning = master->failing_over && !master->forced;
    claim.handing_over = master->forced;
  }
  if (master && master->other_sentinels) {
    Membership membership;
    membership.member = sentinel.member;
    membership.asked = sentinel.informed;
    membership.lineage = "sentinel:" + master->name;
    membership.voters = static_cast<unsigned>(std::min<std::uint64_t>(*master->other_sentinels, 10'000)) + 1;
    into_.memberships.push_back(std::move(membership));
  }
  into_.claims.push_back(std::move(claim));
}

void FactWriter::add_readings(const RedisSentinelSaid& sentinel) {
  const auto add = [&](const MetricFamily& family, double value, std::string_view kind = {}) {
    Reading reading{.family = &family, .labels = {{"member", sentinel.member}}, .value = value};
    if (!kind.empty()) reading.labels.emplace_back("kind", kind);
    into_.readings.push_back(std::move(reading));
  };
  if (sentinel.tilt) add(kSentinelTilt, *sentinel.tilt ? 1 : 0);
  if (sentinel.quorum_reachable) add(kSentinelQuorumReachable, *sentinel.quorum_reachable ? 1 : 0);
  if (!sentinel.master) return;
  if (sentinel.master->quorum) add(kSentinelQuorum, static_cast<double>(*sentinel.master->quorum));
  add(kSentinelMasterDown, sentinel.master->subjectively_down ? 1 : 0, "subjective");
  add(kSentinelMasterDown, sentinel.master->objectively_down ? 1 : 0, "objective");
}

void FactWriter::add_times(const std::string& member, Asked pinged, const std::optional<RedisClock>& clock) {
  RoundTrip trip;
  trip.member = member;
  trip.method = "redis";
  trip.asked = pinged;
  trip.value = pinged.received - pinged.sent;
  into_.round_trips.push_back(std::move(trip));
  if (!clock) return;
  into_.clocks.push_back({.member = member,
                          .source = clock->source,
                          .asked = clock->asked,
                          .local_sent = clock->sent,
                          .local_received = clock->received,
                          .remote = clock->remote,
                          .resolution = std::chrono::microseconds(1)});
}

}  // namespace

void add_facts(std::span<const RedisSaid> said, const RedisNames& names, Facts& into) {
  FactWriter writer(said, names, into);
  for (const RedisSaid& one : said) std::visit(writer, one);
}

}  // namespace qw::probes
