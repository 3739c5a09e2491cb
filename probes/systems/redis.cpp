// Measures which Redis node leads, how far its replicas are behind, how far two histories have diverged, whom
// each Sentinel takes
//   for the master and whether it could fail over; round trip and clock of each server from the same replies.
// Asks one pipeline of PING, TIME, ROLE and INFO of each data node, and of PING, SENTINEL MASTER, SENTINEL
// CKQUORUM and INFO of
//   each Sentinel, each on its own address (RESP2; permissions: kRedis.asks).
// Cannot see Redis Cluster's slots, what clients were told, and writes that were lost before we looked.
// Facts: facts/leadership-and-replication.md 2 (Redis), facts/servers.md 5.
#include <algorithm>
#include <array>
#include <map>
#include <ranges>
#include <set>

#include "probes/clock_profile.hpp"
#include "probes/members.hpp"
#include "probes/probe.hpp"
#include "probes/systems/redis_facts.hpp"
#include "probes/systems/redis_history.hpp"

namespace qw::probes {
namespace {

constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
// Sentinel's own default of down-after-milliseconds, until one has told its setting.
constexpr Nanoseconds kDefaultDownAfter = std::chrono::seconds(30);
// After a fail-over the old master stays in office until a Sentinel has read its INFO (every 10 s) and told
// it to follow: 11.1 and 11.3 s measured (facts/servers.md 5).
constexpr Nanoseconds kDemotion = std::chrono::seconds(15);

struct Options {
  std::vector<std::string> members;
  std::vector<std::string> sentinels;
  std::optional<std::string> sentinel_master;
  std::string username;
  config::SecretFile password;
  std::string sentinel_username;
  config::SecretFile sentinel_password;
  config::TlsOptions tls;
  std::string clock_profile = "default";
  std::vector<net::HostPort> nodes, sentinel_nodes;  ///< `members` and `sentinels`, read
  bool finds_members = false;                        ///< there may be none yet
  bool has_sentinels = false;                        ///< which may still have to be found
};

class RedisProbe final : public Probe {
 public:
  RedisProbe(const ProbeContext& context, const Options& options,
             const std::shared_ptr<net::TlsContext>& tls);
  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override;
  /// What is known of the past of members that stay.
  void inherit(Probe& before) override;

 private:
  struct Server {
    std::string name;
    RedisConnection connection;
    std::string master;  ///< of a Sentinel: the name to ask for; empty until it is known
  };
  Task<RedisSaid> ask_node(Server& node, SteadyTime deadline);
  Task<RedisSaid> ask_sentinel(Server& sentinel, SteadyTime deadline);
  Task<void> ask_quorum(Server& sentinel, RedisSentinelSaid& said, SteadyTime deadline);
  RedisSaid no_answer(const Server& server, SteadyTime since, const Error& error) const;
  void learn(const std::vector<RedisSaid>& said);
  Traits traits() const;

  const Clock& clock_;
  std::string clock_profile_;
  bool has_sentinels_;
  std::vector<Server> nodes_;
  std::vector<Server> sentinels_;
  RedisNames names_;
  RedisHistory history_;
  std::map<std::string, Nanoseconds> down_after_;  ///< as each Sentinel last said
};

/// Names as they stand in the facts: with the port, so that a node and a Sentinel on one host are two
/// members.
std::vector<std::string> names(const std::vector<net::HostPort>& addresses) {
  std::vector<std::string> found;
  for (const auto& address : addresses) found.push_back(address.print());
  return found;
}

RedisProbe::RedisProbe(const ProbeContext& context, const Options& options,
                       const std::shared_ptr<net::TlsContext>& tls)
    : clock_(context.clock),
      clock_profile_(options.clock_profile),
      has_sentinels_(options.has_sentinels),
      names_(names(options.nodes)) {
  for (const auto& address : options.nodes) {
    nodes_.push_back({address.print(),
                      RedisConnection(context.net, context.clock, address, tls,
                                      {options.username, options.password.value}),
                      {}});
  }
  for (const auto& address : options.sentinel_nodes) {
    sentinels_.push_back({address.print(),
                          RedisConnection(context.net, context.clock, address, tls,
                                          {options.sentinel_username, options.sentinel_password.value}),
                          options.sentinel_master.value_or("")});
  }
}

Task<Result<Facts>> RedisProbe::ask(Question question, SteadyTime deadline) {
  const auto wanted = [&question](const Server& server) { return question.includes(server.name); };
  std::vector<Task<RedisSaid>> asked;
  for (Server& node : nodes_) {
    if (wanted(node)) asked.push_back(ask_node(node, deadline));
  }
  for (Server& sentinel : sentinels_) {
    if (wanted(sentinel)) asked.push_back(ask_sentinel(sentinel, deadline));
  }
  auto said = co_await async::all(std::move(asked));
  learn(said);
  history_.amend(said);
  Facts facts;
  facts.traits = traits();
  add_facts(said, names_, facts);
  co_return facts;
}

void RedisProbe::inherit(Probe& before) {
  auto* const other = dynamic_cast<RedisProbe*>(&before);
  if (!other) return;
  history_ = std::move(other->history_);
  for (const auto& [sentinel, time] : other->down_after_) {
    if (std::ranges::find(sentinels_, sentinel, &Server::name) != sentinels_.end())
      down_after_.emplace(sentinel, time);
  }
}

Task<RedisSaid> RedisProbe::ask_node(Server& node, SteadyTime deadline) {
  const SteadyTime since = clock_.steady();
  const RedisPipeline pipeline = node_pipeline();
  const auto exchange = co_await node.connection.exchange(pipeline, deadline);
  if (!exchange) co_return no_answer(node, since, exchange.error());
  auto said = read_node(node.name, *exchange);
  // Whoever was refused logs in again next time: the password may have been set or changed since.
  if (std::holds_alternative<Unanswered>(said)) node.connection.close();
  co_return said;
}

Task<RedisSaid> RedisProbe::ask_sentinel(Server& sentinel, SteadyTime deadline) {
  const SteadyTime since = clock_.steady();
  const RedisPipeline pipeline = sentinel_pipeline(sentinel.master);
  const auto exchange = co_await sentinel.connection.exchange(pipeline, deadline);
  if (!exchange) co_return no_answer(sentinel, since, exchange.error());
  auto said = read_sentinel(sentinel.name, sentinel.master, *exchange);
  if (std::holds_alternative<Unanswered>(said)) sentinel.connection.close();
  auto* const known = std::get_if<RedisSentinelSaid>(&said);
  if (known && known->master && sentinel.master.empty()) co_await ask_quorum(sentinel, *known, deadline);
  co_return said;
}

/// CKQUORUM wants a name, which a Sentinel that was asked for all its masters has only now given.
Task<void> RedisProbe::ask_quorum(Server& sentinel, RedisSentinelSaid& said, SteadyTime deadline) {
  const RedisPipeline pipeline = quorum_pipeline(said.master->name);
  const auto exchange = co_await sentinel.connection.exchange(pipeline, deadline);
  if (exchange) said.quorum_reachable = read_quorum(exchange->value(0));
}

RedisSaid RedisProbe::no_answer(const Server& server, SteadyTime since, const Error& error) const {
  return Unanswered{server.name, {since, clock_.steady()}, error};
}

void RedisProbe::learn(const std::vector<RedisSaid>& said) {
  for (const Server& node : nodes_) names_.learn(node.name, node.connection.peer(), {});
  for (const RedisSaid& one : said) {
    if (const auto* node = std::get_if<RedisNodeSaid>(&one))
      names_.learn(node->member, {}, node->info.run_id);
    const auto* sentinel = std::get_if<RedisSentinelSaid>(&one);
    if (sentinel && sentinel->master && sentinel->master->down_after) {
      down_after_[sentinel->member] = *sentinel->master->down_after;
    }
  }
}

Traits RedisProbe::traits() const {
  Traits traits;
  traits.fencing = Fencing::unfenced;
  traits.failure_detection = kDefaultDownAfter;
  if (!down_after_.empty()) {
    traits.failure_detection = std::ranges::min(down_after_ | std::views::values);
    traits.election_timeout = traits.failure_detection;
  }
  // Without Sentinels nobody fails over, and two leaders are two leaders at once.
  traits.settling = has_sentinels_ ? kDemotion : Nanoseconds{};
  traits.clock_profile = clock_profile_;
  return traits;
}

void declare(config::Fields& fields, Options& options) {
  options.finds_members =
      fields.addresses("members", &options.members, address_rule(kRedisPort),
                       "Address of every data node, host[:port]; the port defaults to 6379.");
  const bool finds_sentinels =
      fields.addresses("sentinels", &options.sentinels, address_rule(kSentinelPort, false),
                       "Address of every Sentinel, host[:port]; the port defaults to 26379. Empty: "
                       "replication without Sentinels.");
  options.has_sentinels = finds_sentinels || !options.sentinels.empty();
  fields.optional(
      "sentinel_master", &options.sentinel_master,
      "The name under which the Sentinels monitor the master; needed only where they monitor several.");
  fields.optional("username", &options.username,
                  "The ACL user on the data nodes; the default user when it is left out.");
  fields.optional("password_file", &options.password, "The password on the data nodes.");
  fields.optional("sentinel_username", &options.sentinel_username, "The ACL user on the Sentinels.");
  fields.optional("sentinel_password_file", &options.sentinel_password, "The password on the Sentinels.");
  config::tls_fields(fields, options.tls);
  clock_profile_field(fields, options.clock_profile);
}

void check(config::Fields& fields, Options& options) {
  fields.check("members", options.finds_members || !options.members.empty(),
               "must name at least one data node");
  std::set<net::HostPort> seen;
  options.nodes = read_members(fields, {.default_port = kRedisPort}, options.members, seen);
  options.sentinel_nodes =
      read_members(fields, {.key = "sentinels", .default_port = kSentinelPort}, options.sentinels, seen);
  fields.check("sentinel_master", !options.sentinel_master || options.has_sentinels, "needs 'sentinels'");
  fields.check("username", options.username.empty() || !options.password.source.empty(),
               "needs 'password_file'");
  fields.check("sentinel_username",
               options.sentinel_username.empty() || !options.sentinel_password.source.empty(),
               "needs 'sentinel_password_file'");
}

ProbeMaker read(config::Fields& fields) {
  Options options;
  declare(fields, options);
  check(fields, options);
  return [options](const ProbeContext& context) -> Result<std::unique_ptr<Probe>> {
    auto tls = context.tls(options.tls);
    if (!tls) return std::unexpected(tls.error());
    return std::make_unique<RedisProbe>(context, options, *tls);
  };
}

constexpr std::array<const MetricFamily*, 4> kFamilies{&kSentinelTilt, &kSentinelQuorum,
                                                       &kSentinelQuorumReachable, &kSentinelMasterDown};

}  // namespace

extern const ProbeKind kRedis;
const ProbeKind kRedis{
    .system = "redis",
    .summary = "Redis 6 and 7, Valkey and what speaks their protocol: replication with or without Sentinels.",
    .measures =
        "Which node leads, how far the replicas are behind, how far two leaders have diverged, and whom each "
        "Sentinel "
        "takes for the master.",
    .asks =
        "PING, TIME, ROLE and INFO of each data node (ACL: +ping +time +role +info); PING, INFO and SENTINEL "
        "MASTERS and CKQUORUM of each Sentinel (ACL: +ping +info +sentinel|masters +sentinel|ckquorum), "
        "MASTER "
        "instead of MASTERS where sentinel_master names one (+sentinel|master).",
    .cannot_see =
        "The slots of a Redis Cluster, what clients were told, and writes that were lost before it looked.",
    .metrics = kFamilies,
    .read = &read,
};

}  // namespace qw::probes
