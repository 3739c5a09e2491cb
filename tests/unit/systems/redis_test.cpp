// The Redis probe against scripted servers: what real ones do not do on demand.
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <list>

#include "probes/systems/redis_connection.hpp"
#include "probes/systems/redis_history.hpp"
#include "probes/systems/redis_names.hpp"
#include "probes/wire/resp.hpp"
#include "tests/unit/systems/redis_fixture.hpp"

namespace qw::probes {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kPassword = "Zu-Geheim/4711";
constexpr std::string_view kZeros = "0000000000000000000000000000000000000000";

std::string bulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

/// Answers commands by a table ("INFO replication" to raw bytes), and misbehaves as told.
struct Script {
  std::map<std::string, std::string> replies;
  std::size_t close_after = SIZE_MAX;  ///< commands of one connection; then it is closed
  bool mute = false;
  bool drip = false;   ///< one byte every 5 ms
  std::string flood;   ///< repeated until the client goes
  Nanoseconds late{};  ///< before each reply
};

class ScriptedServer {
 public:
  ScriptedServer(asio::io_context& io, async::TaskGroup& tasks, Script script)
      : script(std::move(script)),
        acceptor_(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)),
        tasks_(tasks) {
    tasks_.spawn("accept", accept());
  }

  std::string address() const { return fmt::format("127.0.0.1:{}", acceptor_.local_endpoint().port()); }

  Script script;
  std::vector<std::string> commands;  ///< of all connections
  std::size_t connections = 0;
  std::size_t sent = 0;

 private:
  Task<void> accept() {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (true) {
      auto accepted = co_await acceptor_.async_accept(kTuple);
      auto& [error, socket] = accepted;
      if (error) co_return;
      ++connections;
      tasks_.spawn("serve", serve(std::move(socket)));
    }
  }

  Task<void> serve(tcp::socket socket) {
    co_await asio::this_coro::throw_if_cancelled(false);
    wire::RespReader reader;
    std::array<char, 4096> chunk;
    std::size_t answered = 0;
    while (true) {
      const auto got = co_await socket.async_read_some(asio::buffer(chunk), kTuple);
      if (std::get<0>(got)) co_return;
      reader.feed(std::string_view(chunk.data(), std::get<1>(got)));
      while (true) {
        const auto command = reader.next();
        if (!command || !*command) break;
        if (answered++ >= script.close_after) co_return;
        const bool going_on = co_await answer(socket, **command);
        if (!going_on) co_return;
      }
      if (answered >= script.close_after) co_return;
    }
  }

  Task<bool> answer(tcp::socket& socket, const wire::RespValue& command) {
    std::string words;
    for (const auto& word : command.items) words += (words.empty() ? "" : " ") + word.text;
    commands.push_back(words);
    if (script.mute) co_return true;
    if (script.late > Nanoseconds{}) co_await async::sleep_until(SystemClock().steady() + script.late);
    while (!script.flood.empty()) {
      const auto wrote = co_await asio::async_write(socket, asio::buffer(script.flood), kTuple);
      if (std::get<0>(wrote)) co_return false;
      sent += script.flood.size();
    }
    const auto found = script.replies.find(words);
    const std::string reply =
        found == script.replies.end() ? fmt::format("-ERR unknown command '{}'\r\n", words) : found->second;
    if (!script.drip) {
      const auto wrote = co_await asio::async_write(socket, asio::buffer(reply), kTuple);
      co_return !std::get<0>(wrote);
    }
    for (const char& byte : reply) {
      const auto wrote = co_await asio::async_write(socket, asio::buffer(&byte, 1), kTuple);
      if (std::get<0>(wrote)) co_return false;
      co_await async::sleep_until(SystemClock().steady() + 5ms);
    }
    co_return true;
  }

  tcp::acceptor acceptor_;
  async::TaskGroup& tasks_;
};

std::string master_info(std::string_view more = "") {
  return bulk(
      fmt::format("# Replication\r\nrole:master\r\nmaster_failover_state:no-failover\r\nmaster_replid:{}\r\n"
                  "master_replid2:{}\r\nmaster_repl_offset:500\r\nsecond_repl_offset:-1\r\n{}",
                  std::string(40, 'a'), kZeros, more));
}

std::string replica_info(std::string_view master, std::string_view more) {
  const auto address = net::HostPort::parse(master).value();
  return bulk(
      fmt::format("role:slave\r\nmaster_host:{}\r\nmaster_port:{}\r\nmaster_replid:{}\r\n"
                  "master_replid2:{}\r\nsecond_repl_offset:-1\r\n{}",
                  address.host, address.port, std::string(40, 'a'), kZeros, more));
}

Script node(std::string info, std::string role = "*3\r\n$6\r\nmaster\r\n:500\r\n*0\r\n") {
  Script script;
  script.replies = {{"PING", "+PONG\r\n"},
                    {"TIME", "*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n"},
                    {"ROLE", std::move(role)},
                    {"INFO replication", std::move(info)},
                    {"INFO server", bulk("run_id:run1\r\n")},
                    {"INFO persistence", bulk("rdb_changes_since_last_save:7\r\n")}};
  return script;
}

const std::string kReplicaRole = "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:7\r\n";

std::string flat_map(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string map = fmt::format("*{}\r\n", pairs.size() * 2);
  for (const auto& [key, value] : pairs) map += bulk(key) + bulk(value);
  return map;
}

std::string monitored(std::string_view name, std::string_view master, std::string_view flags = "master") {
  const auto address = net::HostPort::parse(master).value();
  return flat_map({{"name", std::string(name)},
                   {"ip", address.host},
                   {"port", std::to_string(address.port)},
                   {"runid", "run1"},
                   {"flags", std::string(flags)},
                   {"down-after-milliseconds", "700"},
                   {"config-epoch", "4"},
                   {"num-other-sentinels", "2"},
                   {"quorum", "2"}});
}

Script sentinel(std::string_view master, std::string_view flags = "master", std::string_view tilt = "0") {
  Script script;
  script.replies = {{"PING", "+PONG\r\n"},
                    {"SENTINEL MASTERS", "*1\r\n" + monitored("main", master, flags)},
                    {"SENTINEL MASTER main", monitored("main", master, flags)},
                    {"SENTINEL CKQUORUM main",
                     "+OK 3 usable Sentinels. Quorum and failover authorization can be reached\r\n"},
                    {"INFO sentinel", bulk(fmt::format("sentinel_tilt:{}\r\n", tilt))},
                    {"INFO server", bulk("run_id:s1\r\nserver_time_usec:1700000000000001\r\n")}};
  return script;
}

class RedisProbe : public RedisFixture {
 protected:
  ScriptedServer& serve(Script script) { return servers_.emplace_back(io_, tasks_, std::move(script)); }

 private:
  std::list<ScriptedServer> servers_;
};

TEST_F(RedisProbe, ReadsClaimPositionRoundTripAndClockOfAMasterFromOnePipeline) {
  auto& server = serve(node(master_info()));
  const auto probe = make({{"members", {server.address()}}});
  const SteadyTime before = clock_.steady();
  const Facts facts = ask(*probe);
  const SteadyTime after = clock_.steady();

  ASSERT_EQ(facts.claims.size(), 1u);
  const LeadershipClaim& claim = facts.claims[0];
  EXPECT_EQ(claim.member, server.address());
  EXPECT_EQ(claim.claim, Claim::leader);
  EXPECT_EQ(claim.tenure, (Tenure{"", std::nullopt, "run1/" + std::string(40, 'a')}));
  EXPECT_FALSE(claim.follows);
  EXPECT_FALSE(claim.votes);
  EXPECT_TRUE(claim.may_lead);
  EXPECT_TRUE(before <= claim.asked.sent && claim.asked.sent < claim.asked.received &&
              claim.asked.received <= after);

  ASSERT_EQ(facts.positions.size(), 1u);
  EXPECT_EQ(facts.positions[0].role, Role::leader);
  EXPECT_EQ(facts.positions[0].position, 500u);
  EXPECT_EQ(facts.positions[0].lineage, std::string(40, 'a'));
  EXPECT_FALSE(facts.positions[0].forked_from);

  ASSERT_EQ(facts.clocks.size(), 1u);
  EXPECT_EQ(facts.clocks[0].remote, WallTime(1'700'000'000s + 123'456us));
  EXPECT_EQ(facts.clocks[0].source, "redis_time");
  EXPECT_LE(facts.clocks[0].local_sent, facts.clocks[0].local_received);
  ASSERT_EQ(facts.round_trips.size(), 1u);
  EXPECT_EQ(facts.round_trips[0].method, "redis");
  EXPECT_GT(facts.round_trips[0].value, 0ns);

  EXPECT_TRUE(facts.unanswered.empty());
  EXPECT_EQ(server.connections, 1u);
  EXPECT_EQ(server.commands, (std::vector<std::string>{"PING", "TIME", "ROLE", "INFO replication",
                                                       "INFO server", "INFO persistence"}));
  EXPECT_EQ(facts.traits.fencing, Fencing::unfenced);
  EXPECT_EQ(facts.traits.settling, 0s);
  EXPECT_EQ(facts.traits.failure_detection, 30s);
  EXPECT_EQ(facts.traits.election_timeout, std::nullopt);
}

TEST_F(RedisProbe, KeepsItsConnection) {
  auto& server = serve(node(master_info()));
  const auto probe = make({{"members", {server.address()}}});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(ask(*probe).unanswered.empty());
  EXPECT_EQ(server.connections, 1u);
}

TEST_F(RedisProbe, OpensANewConnectionWhenTheKeptOneWasClosed) {
  auto script = node(master_info());
  script.close_after = 6;
  auto& server = serve(script);
  const auto probe = make({{"members", {server.address()}}});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ask(*probe).claims.size(), 1u) << i;
  EXPECT_EQ(server.connections, 4u);
}

TEST_F(RedisProbe, IsRefusedByAServerThatClosesEveryConnection) {
  auto script = node(master_info());
  script.close_after = 2;
  auto& server = serve(script);
  const auto probe = make({{"members", {server.address()}}});
  const Facts facts = ask(*probe);
  ASSERT_EQ(facts.unanswered.size(), 1u);
  EXPECT_EQ(facts.unanswered[0].error.kind(), ErrorKind::refused);
  EXPECT_TRUE(facts.claims.empty() && facts.positions.empty() && facts.clocks.empty() &&
              facts.round_trips.empty());
  EXPECT_EQ(server.connections, 1u) << "a fresh connection is not tried twice";
}

TEST_F(RedisProbe, NamesTheMasterOfAReplicaAndDatesItsLink) {
  auto& master = serve(node(master_info()));
  auto& up = serve(node(replica_info(master.address(), "master_link_status:up\r\nslave_repl_offset:480\r\n"),
                        kReplicaRole));
  auto& down =
      serve(node(replica_info("10.9.9.9:6379",
                              "master_link_status:down\r\nslave_repl_offset:1\r\nmaster_repl_offset:450\r\n"),
                 kReplicaRole));
  const auto probe = make({{"members", {master.address(), up.address(), down.address()}}});
  const Facts facts = ask(*probe);

  EXPECT_EQ(claim_of(facts, up.address())->claim, Claim::not_leader);
  EXPECT_EQ(claim_of(facts, up.address())->follows, master.address());
  EXPECT_EQ(position_of(facts, up.address(), up.address())->link, Link::up);
  EXPECT_EQ(position_of(facts, up.address(), up.address())->position, 480u);
  EXPECT_EQ(claim_of(facts, down.address())->follows, "10.9.9.9:6379");
  EXPECT_EQ(position_of(facts, down.address(), down.address())->link, Link::down);
  EXPECT_EQ(position_of(facts, down.address(), down.address())->position, 450u)
      << "1 is written by a replica in a full resynchronization";
}

TEST_F(RedisProbe, FollowsTheLineageWhereTheMastersAddressIsNobodys) {
  auto& master = serve(node(master_info()));
  auto& replica =
      serve(node(replica_info("redis-1.internal:6379", "master_link_status:up\r\nslave_repl_offset:480\r\n"),
                 kReplicaRole));
  const auto probe = make({{"members", {master.address(), replica.address()}}});
  EXPECT_EQ(claim_of(ask(*probe), replica.address())->follows, master.address());
}

TEST_F(RedisProbe, TakesFromTheMasterOnlyPositionsThatAreSome) {
  auto& replica = serve(
      node(replica_info("127.0.0.1:1", "master_link_status:up\r\nslave_repl_offset:480\r\n"), kReplicaRole));
  const auto port = net::HostPort::parse(replica.address()).value().port;
  auto& master =
      serve(node(master_info(fmt::format("slave0:ip=127.0.0.1,port={},state=online,offset=470,lag=0\r\n"
                                         "slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\r\n"
                                         "slave2:ip=10.0.0.4,port=6379,state=online,offset=0,lag=9\r\n"
                                         "slave3:ip=10.0.0.5,port=6379,state=online,offset=400,lag=9\r\n",
                                         port))));
  const auto probe = make({{"members", {master.address(), replica.address()}}});
  const Facts facts = ask(*probe);
  ASSERT_EQ(facts.positions.size(), 4u) << "two of their own, two seen by the master";
  EXPECT_EQ(position_of(facts, replica.address(), master.address())->position, 470u);
  EXPECT_EQ(position_of(facts, "10.0.0.5:6379", master.address())->position, 400u);
}

TEST_F(RedisProbe, ReadsWhereAPromotedReplicaLeftTheOldHistory) {
  std::string info = master_info();
  info.replace(info.find(kZeros), 40, std::string(40, 'b'));
  info.replace(info.find("offset:-1"), 9, "offset:99");
  auto& server = serve(node(info));
  const Facts facts = ask(*make({{"members", {server.address()}}}));
  ASSERT_TRUE(facts.positions.at(0).forked_from);
  EXPECT_EQ(facts.positions[0].forked_from->lineage, std::string(40, 'b'));
  EXPECT_EQ(facts.positions[0].forked_from->position, 98u);
}

TEST_F(RedisProbe, DoesNotKnowWhoLeadsWhileAServerLoads) {
  auto script = node(master_info());
  script.replies["PING"] = "-LOADING Redis is loading the dataset in memory\r\n";
  auto& server = serve(script);
  const Facts facts = ask(*make({{"members", {server.address()}}}));
  ASSERT_EQ(facts.claims.size(), 1u);
  EXPECT_EQ(facts.claims[0].claim, Claim::unknown);
  EXPECT_TRUE(facts.positions.empty());
  EXPECT_TRUE(facts.unanswered.empty());
}

TEST_F(RedisProbe, DoesNotKnowTheRoleThatChangedWithinThePipeline) {
  auto& server = serve(node(master_info(), kReplicaRole));
  const Facts facts = ask(*make({{"members", {server.address()}}}));
  EXPECT_EQ(facts.claims.at(0).claim, Claim::unknown);
  EXPECT_TRUE(facts.positions.empty());
}

TEST_F(RedisProbe, TakesTheRoleFromInfoWhereRoleIsRefused) {
  auto& server = serve(node(master_info(), "-NOPERM no\r\n"));
  EXPECT_EQ(ask(*make({{"members", {server.address()}}})).claims.at(0).claim, Claim::leader);
}

TEST_F(RedisProbe, SaysThatAMasterHandsOver) {
  std::string info = master_info();
  info.replace(info.find("no-failover"), 11, "in-progress");
  auto& server = serve(node(info));
  EXPECT_TRUE(ask(*make({{"members", {server.address()}}})).claims.at(0).handing_over);
}

TEST_F(RedisProbe, GivesTheWordsOfARefusal) {
  const struct {
    std::string reply;
    ErrorKind kind;
    std::string_view message;
  } cases[] = {
      {"-NOAUTH Authentication required.\r\n", ErrorKind::rejected, "INFO: NOAUTH Authentication required."},
      {"-NOPERM this user has no permissions\r\n", ErrorKind::rejected,
       "INFO: NOPERM this user has no permissions"},
      {"-BUSY Redis is busy running a script\r\n", ErrorKind::rejected,
       "INFO: BUSY Redis is busy running a script"},
      {":5\r\n", ErrorKind::protocol, "INFO: expected a text"},
      {"$0\r\n\r\n", ErrorKind::protocol, "INFO: no role"},
      {"$13\r\nrole:sentinel\r\n", ErrorKind::config, "it is a Sentinel and belongs under 'sentinels'"},
      {"HTTP/1.1 400\r\n", ErrorKind::protocol, "not RESP: no reply starts with byte 0x48 at offset 0"},
      {"$1000000000\r\n", ErrorKind::too_large,
       "string of 1000000000 bytes where 1048576 are allowed in a reply at offset 0"},
      {"*221422214\r\n", ErrorKind::too_large,
       "array of 221422214 where 100000 elements are allowed in a reply at offset 0"},
  };
  for (const auto& c : cases) {
    auto script = node(c.reply, "-ERR no\r\n");
    auto& server = serve(script);
    const Facts facts = ask(*make({{"members", {server.address()}}}));
    ASSERT_EQ(facts.unanswered.size(), 1u) << c.reply;
    EXPECT_EQ(facts.unanswered[0].error, Error(c.kind, std::string(c.message)));
    EXPECT_TRUE(facts.claims.empty() && facts.positions.empty());
  }
}

TEST_F(RedisProbe, RefusesMoreAnswersThanQuestions) {
  auto script = node(master_info());
  script.replies["INFO persistence"] = bulk("rdb_changes_since_last_save:7\r\n") + "+OK\r\n";
  auto& server = serve(script);
  const Facts facts = ask(*make({{"members", {server.address()}}}));
  ASSERT_EQ(facts.unanswered.size(), 1u);
  EXPECT_EQ(facts.unanswered[0].error.message(), "more answers than questions");
}

TEST_F(RedisProbe, LogsInOncePerConnection) {
  auto script = node(master_info());
  script.replies["AUTH monitor " + std::string(kPassword)] = "+OK\r\n";
  auto& server = serve(script);
  const auto probe = make({{"members", {server.address()}},
                           {"username", {"monitor"}},
                           {"password_file", {std::string(kPassword)}}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(*probe).claims.size(), 1u);
  EXPECT_EQ(std::ranges::count_if(server.commands, [](const auto& c) { return c.starts_with("AUTH"); }), 1);
  EXPECT_EQ(server.commands.at(0), "AUTH monitor " + std::string(kPassword));
}

TEST_F(RedisProbe, LogsInWithAPasswordAloneAsTheDefaultUser) {
  auto script = node(master_info());
  script.replies["AUTH " + std::string(kPassword)] = "+OK\r\n";
  auto& server = serve(script);
  EXPECT_EQ(ask(*make({{"members", {server.address()}}, {"password_file", {std::string(kPassword)}}}))
                .claims.size(),
            1u);
}

TEST_F(RedisProbe, NeverRepeatsTheSecretWhateverTheServerSays) {
  const std::string secret(kPassword);
  const struct {
    std::string reply;
    std::string_view message;
  } cases[] = {
      {"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
       "AUTH: WRONGPASS invalid username-password pair or user is disabled."},
      {"-ERR unknown command 'AUTH', with args beginning with: '" + secret + "'\r\n",
       "AUTH: ERR unknown command 'AUTH', with args beginning with: '***'"},
      {"-ERR args: '" + secret.substr(0, 9) + "\r\n", "AUTH: ERR args: '***"},
  };
  for (const auto& c : cases) {
    auto script = node("-NOAUTH Authentication required.\r\n");
    script.replies["AUTH " + secret] = c.reply;
    auto& server = serve(script);
    const auto probe = make({{"members", {server.address()}}, {"password_file", {secret}}});
    for (int i = 0; i < 2; ++i) {
      const Facts facts = ask(*probe);
      ASSERT_EQ(facts.unanswered.size(), 1u);
      EXPECT_EQ(facts.unanswered[0].error, Error(ErrorKind::rejected, std::string(c.message)));
    }
    EXPECT_EQ(server.connections, 2u) << "it logs in again in the next round";
  }
}

TEST_F(RedisProbe, SaysWhyAServerClosedAtOnce) {
  auto script = node(master_info());
  script.replies["PING"] = "-ERR max number of clients reached\r\n";
  script.close_after = 1;
  auto& server = serve(script);
  const Facts facts = ask(*make({{"members", {server.address()}}}));
  ASSERT_EQ(facts.unanswered.size(), 1u);
  EXPECT_EQ(facts.unanswered[0].error, Error(ErrorKind::rejected, "ERR max number of clients reached"));
}

TEST_F(RedisProbe, EndsAtTheDeadlineWhateverTheServerDoes) {
  Script mute;
  mute.mute = true;
  auto drip = node(master_info());
  drip.drip = true;
  auto& silent = serve(mute);
  auto& slow = serve(drip);
  auto& good = serve(node(master_info()));
  const auto probe = make({{"members", {silent.address(), slow.address(), good.address()}}});
  const SteadyTime start = clock_.steady();
  const Facts facts = ask(*probe, 200ms);
  const auto took = clock_.steady() - start;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 1s);
  EXPECT_EQ(unanswered_by(facts, silent.address())->error.kind(), ErrorKind::timeout);
  EXPECT_EQ(unanswered_by(facts, slow.address())->error.kind(), ErrorKind::timeout);
  EXPECT_EQ(claim_of(facts, good.address())->claim, Claim::leader);
}

TEST_F(RedisProbe, DatesALateAnswerByBothItsEnds) {
  auto script = node(master_info());
  script.late = 20ms;
  auto& server = serve(script);
  const Facts facts = ask(*make({{"members", {server.address()}}}));
  EXPECT_GE(facts.claims.at(0).asked.received - facts.claims[0].asked.sent, 80ms)
      << "the five that follow the first";
  EXPECT_LT(facts.round_trips.at(0).value, facts.claims[0].asked.received - facts.claims[0].asked.sent)
      << "the first answer ends the round trip";
  EXPECT_LT(facts.clocks.at(0).asked.received, facts.claims[0].asked.received);
}

TEST_F(RedisProbe, StopsReadingWhatHasNoEnd) {
  for (const std::string& flood :
       {std::string(65'536, '+'), "+" + std::string(100, 'x') + "\r\n",
        "$65536\r\n" + std::string(65'536, 'x') + "\r\n", "*1000\r\n" + bulk(std::string(60'000, 'x'))}) {
    Script script;
    script.flood = flood;
    auto& server = serve(script);
    const Facts facts = ask(*make({{"members", {server.address()}}}));
    ASSERT_EQ(facts.unanswered.size(), 1u) << flood.substr(0, 10);
    EXPECT_NE(facts.unanswered[0].error.kind(), ErrorKind::timeout) << flood.substr(0, 10);
    // What the server got rid of includes the buffers of both sockets.
    EXPECT_LT(server.sent, std::size_t{24} << 20) << flood.substr(0, 10);
  }
}

TEST_F(RedisProbe, AsksOnlyWhomItIsToldTo) {
  auto& first = serve(node(master_info()));
  auto& second = serve(node(master_info()));
  const auto probe = make({{"members", {first.address(), second.address()}}});
  const Facts facts = ask(*probe, 5s, Question({second.address()}));
  EXPECT_EQ(facts.claims.size(), 1u);
  EXPECT_EQ(first.connections, 0u);
}

TEST_F(RedisProbe, ReadsWhatASentinelSees) {
  auto& master = serve(node(master_info()));
  auto& watcher = serve(sentinel(master.address()));
  const auto probe = make(
      {{"members", {master.address()}}, {"sentinels", {watcher.address()}}, {"sentinel_master", {"main"}}});
  const Facts facts = ask(*probe);
  const auto* claim = claim_of(facts, watcher.address());
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->claim, Claim::not_leader);
  EXPECT_TRUE(claim->votes);
  EXPECT_FALSE(claim->may_lead);
  EXPECT_EQ(claim->follows, master.address());
  EXPECT_EQ(claim->tenure, (Tenure{"sentinel:main", 4, ""}));
  ASSERT_EQ(facts.memberships.size(), 1u);
  EXPECT_EQ(facts.memberships[0].voters, 3u);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_tilt", watcher.address()), 0);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_quorum", watcher.address()), 2);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_quorum_reachable", watcher.address()), 1);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_master_down", watcher.address(), "subjective"), 0);
  EXPECT_EQ(facts.traits.failure_detection, 700ms);
  EXPECT_EQ(facts.traits.election_timeout, 700ms);
  EXPECT_EQ(facts.traits.settling, 15s);
  EXPECT_EQ(facts.clocks.size(), 2u);
}

TEST_F(RedisProbe, FindsTheOnlyMasterOfASentinelByItself) {
  auto& master = serve(node(master_info()));
  auto& watcher = serve(sentinel(master.address()));
  const Facts facts = ask(*make({{"members", {master.address()}}, {"sentinels", {watcher.address()}}}));
  EXPECT_EQ(claim_of(facts, watcher.address())->tenure.epoch, 4u);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_quorum_reachable", watcher.address()), 1);
}

TEST_F(RedisProbe, ListsTheMastersOfASentinelThatMonitorsSeveral) {
  auto& master = serve(node(master_info()));
  auto script = sentinel(master.address());
  script.replies["SENTINEL MASTERS"] =
      "*2\r\n" + monitored("main", "10.0.0.1:1") + monitored("other", "10.0.0.2:1");
  auto& watcher = serve(script);
  const Facts facts = ask(*make({{"members", {master.address()}}, {"sentinels", {watcher.address()}}}));
  ASSERT_TRUE(unanswered_by(facts, watcher.address()));
  EXPECT_EQ(
      unanswered_by(facts, watcher.address())->error,
      Error(ErrorKind::config, "it monitors 2 masters (main, other), so 'sentinel_master' must name one"));
}

TEST_F(RedisProbe, ReadsTroubleThatASentinelSees) {
  auto& master = serve(node(master_info()));
  auto script = sentinel(master.address(), "s_down,o_down,master,failover_in_progress");
  script.replies["SENTINEL CKQUORUM main"] =
      "-NOQUORUM 1 usable Sentinels. Not enough available Sentinels\r\n";
  auto& watcher = serve(script);
  const Facts facts = ask(*make(
      {{"members", {master.address()}}, {"sentinels", {watcher.address()}}, {"sentinel_master", {"main"}}}));
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_quorum_reachable", watcher.address()), 0);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_master_down", watcher.address(), "subjective"), 1);
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_master_down", watcher.address(), "objective"), 1);
  EXPECT_TRUE(claim_of(facts, watcher.address())->campaigning);
}

TEST_F(RedisProbe, DoesNotKnowWhatASentinelDoesNotKnow) {
  auto& master = serve(node(master_info()));
  auto ignorant = sentinel(master.address());
  ignorant.replies["SENTINEL MASTER main"] = "-ERR No such master with that name\r\n";
  ignorant.replies["SENTINEL CKQUORUM main"] = "-ERR No such master with that name\r\n";
  auto& first = serve(ignorant);
  auto& second = serve(sentinel(master.address(), "master", "1"));
  const Facts facts = ask(*make({{"members", {master.address()}},
                                 {"sentinels", {first.address(), second.address()}},
                                 {"sentinel_master", {"main"}}}));
  EXPECT_EQ(claim_of(facts, first.address())->claim, Claim::unknown);
  EXPECT_FALSE(reading_of(facts, "quorumwatch_sentinel_quorum_reachable", first.address()));
  EXPECT_FALSE(reading_of(facts, "quorumwatch_sentinel_quorum", first.address()));
  EXPECT_EQ(claim_of(facts, second.address())->claim, Claim::unknown) << "in tilt it acts on nothing";
  EXPECT_EQ(reading_of(facts, "quorumwatch_sentinel_tilt", second.address()), 1);
  EXPECT_EQ(facts.memberships.size(), 1u);
}

TEST_F(RedisProbe, FindsTheMasterByItsRunIdBehindAnAnnouncedAddress) {
  auto& master = serve(node(master_info()));
  auto& watcher = serve(sentinel("172.30.0.9:6379"));
  const Facts facts = ask(*make(
      {{"members", {master.address()}}, {"sentinels", {watcher.address()}}, {"sentinel_master", {"main"}}}));
  EXPECT_EQ(claim_of(facts, watcher.address())->follows, master.address());
}

TEST_F(RedisProbe, RejectsADataNodeAmongTheSentinels) {
  auto& master = serve(node(master_info()));
  auto& wrong = serve(node(master_info()));
  const Facts facts = ask(*make({{"members", {master.address()}}, {"sentinels", {wrong.address()}}}));
  ASSERT_TRUE(unanswered_by(facts, wrong.address()));
  EXPECT_EQ(unanswered_by(facts, wrong.address())->error.kind(), ErrorKind::rejected);
}

TEST(RedisOptions, AreCheckedWhenTheyAreRead) {
  using Values = GivenFields::Values;
  const struct {
    Values values;
    std::string_view problem;
  } cases[] = {
      {{}, "members: must name at least one data node"},
      {{{"members", {"a:1", "a:1"}}}, "members: a:1 is there twice"},
      {{{"members", {"a"}}, {"sentinels", {"a:6379"}}}, "sentinels: a:6379 is there twice"},
      {{{"members", {"a"}}, {"sentinel_master", {"m"}}}, "sentinel_master: needs 'sentinels'"},
      {{{"members", {"a"}}, {"username", {"u"}}}, "username: needs 'password_file'"},
      {{{"members", {"a"}}, {"sentinels", {"a"}}, {"sentinel_username", {"u"}}},
       "sentinel_username: needs 'sentinel_password_file'"},
  };
  for (const auto& c : cases) {
    GivenFields fields(c.values);
    kRedis.read(fields);
    EXPECT_EQ(fields.problems, std::vector<std::string>{std::string(c.problem)});
  }
  GivenFields bad_address({{"members", {"a:99999"}}});
  kRedis.read(bad_address);
  ASSERT_EQ(bad_address.problems.size(), 1u);
  EXPECT_TRUE(bad_address.problems[0].starts_with("members: 'a:99999': "));
}

TEST(RedisOptions, WithATlsFileThatIsNotThereMakeNoProbe) {
  GivenFields fields({{"members", {"a"}}, {"tls.ca_file", {"/no/such/ca.crt"}}});
  const ProbeMaker maker = kRedis.read(fields);
  asio::io_context io(1);
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  SystemClock clock;
  const auto probe = maker(ProbeContext{net, clock});
  ASSERT_FALSE(probe);
  EXPECT_EQ(probe.error().kind(), ErrorKind::config);
}

TEST(RedisNames, PreferAnAddressToARunId) {
  RedisNames names({"redis-1:6379", "redis-2:6379"});
  EXPECT_EQ(names.name_of("redis-2", 6379), "redis-2:6379");
  EXPECT_EQ(names.name_of("10.0.0.1", 6379), "10.0.0.1:6379");
  names.learn("redis-1:6379", "10.0.0.1:6379", "run1");
  names.learn("stranger:1", "10.0.0.9:1", "run9");
  EXPECT_EQ(names.name_of("10.0.0.1", 6379), "redis-1:6379");
  EXPECT_EQ(names.name_of("10.0.0.2", 6379, "run1"), "redis-1:6379");
  EXPECT_EQ(names.name_of("10.0.0.9", 1, "run9"), "10.0.0.9:1");
  EXPECT_EQ(names.name_of("::1", 6379), "[::1]:6379");
}

/// One look at one leader.
RedisSaid leader(std::string member, std::string replid, std::uint64_t offset, std::uint64_t changes,
                 std::string run_id = "run") {
  RedisNodeSaid node;
  node.member = std::move(member);
  node.role = wire::RedisRole::master;
  node.info.role = node.role;
  node.info.run_id = std::move(run_id);
  node.info.replid = std::move(replid);
  node.info.repl_offset = offset;
  node.info.changes = changes;
  return node;
}

RedisSaid promoted(std::string member, std::string replid, std::string from, std::uint64_t second_offset) {
  RedisSaid said = leader(std::move(member), std::move(replid), second_offset, 0);
  auto& node = std::get<RedisNodeSaid>(said);
  node.info.replid2 = std::move(from);
  node.info.second_offset = second_offset;
  return said;
}

RedisNodeSaid amended(RedisHistory& history, std::vector<RedisSaid> said) {
  history.amend(said);
  return std::get<RedisNodeSaid>(said.front());
}

TEST(RedisHistory, TellsTheGreetingsOfSentinelsFromWrites) {
  RedisHistory history;
  EXPECT_FALSE(amended(history, {leader("old", "a", 100, 7)}).data_until);
  EXPECT_EQ(amended(history, {leader("old", "a", 380, 7), promoted("new", "b", "a", 111)}).data_until, 110u);
  EXPECT_EQ(amended(history, {leader("old", "a", 520, 7)}).data_until, 110u)
      << "a second look asks one member only";
  EXPECT_FALSE(amended(history, {leader("old", "a", 560, 8)}).data_until) << "now it has taken a write";
  EXPECT_FALSE(amended(history, {leader("old", "a", 700, 8)}).data_until) << "and that stays so";
}

TEST(RedisHistory, ExcusesNothingThatItHasNotSeen) {
  RedisHistory history;
  EXPECT_FALSE(amended(history, {leader("old", "a", 380, 7), promoted("new", "b", "a", 111)}).data_until)
      << "the first look is past the fork already";
  RedisHistory cut_off;
  amended(cut_off, {leader("old", "a", 100, 7)});
  amended(cut_off, {leader("old", "a", 150, 8)});
  EXPECT_FALSE(amended(cut_off, {leader("old", "a", 380, 8), promoted("new", "b", "a", 111)}).data_until)
      << "it took a write after the fork, before the other was promoted";
  RedisHistory restarted;
  amended(restarted, {leader("old", "a", 100, 0)});
  EXPECT_FALSE(
      amended(restarted, {leader("old", "a", 380, 0, "again"), promoted("new", "b", "a", 111)}).data_until)
      << "another process counts anew";
}

TEST(RedisHistory, KeepsTheTenureWhenOnlyTheBacklogWasGivenUp) {
  RedisHistory history;
  EXPECT_EQ(amended(history, {leader("m", "a", 100, 0)}).tenure, "a");
  EXPECT_EQ(amended(history, {leader("m", "b", 100, 0)}).tenure, "a");
  EXPECT_EQ(amended(history, {leader("m", "c", 100, 0)}).tenure, "a");
  EXPECT_EQ(amended(history, {promoted("m", "d", "c", 101)}).tenure, "d")
      << "a promotion leaves a second replid";
  EXPECT_EQ(amended(history, {leader("m", "e", 0, 0, "again")}).tenure, "e");
}

TEST(RedisSecret, LeavesNoTellingPieceOfItself) {
  const Secret secret{std::string(kPassword)};
  EXPECT_EQ(without_secret("nothing here", secret), "nothing here");
  EXPECT_EQ(without_secret("x" + std::string(kPassword) + "y", secret), "x***y");
  EXPECT_EQ(without_secret("cut '" + std::string(kPassword.substr(0, 6)), secret), "cut '***");
  EXPECT_EQ(without_secret("cut '" + std::string(kPassword.substr(6)), secret), "cut '***");
  EXPECT_EQ(without_secret("ab", Secret("ab")), "***");
  EXPECT_EQ(without_secret("anything", Secret()), "anything");
}

}  // namespace
}  // namespace qw::probes
