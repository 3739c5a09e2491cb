// The PostgreSQL probe without PostgreSQL: what answers mean, and what servers do that real ones do not on
// demand.
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "probes/systems/postgres_parameters.hpp"
#include "tests/unit/systems/postgres_fixture.hpp"

namespace qw::probes {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::vector<net::HostPort> kMembers{{"10.0.0.1", 5432}, {"10.0.0.2", 5432}, {"10.0.0.3", 5432}};
constexpr std::uint64_t kSegment3 = 0x3000000;

/// A cluster of three members that is asked once a second.
class PostgresClusterTest : public testing::Test {
 protected:
  PostgresOutcome said(std::size_t index, const PostgresRows& rows) {
    const auto& member = kMembers[index];
    PostgresExchange exchange{
        .sent = now_, .sent_wall = WallTime(1700000000s), .pinged = now_ + 1ms, .answers = {}};
    for (auto& table : rows.tables()) {
      exchange.answers.push_back({std::move(table), now_ + 2ms, WallTime(1700000000s + 2ms)});
    }
    auto read = read_postgres(member.print(), exchange);
    EXPECT_TRUE(read) << read.error().message();
    return {
        .member = member.print(), .peer = member.host, .asked = {now_, now_ + 2ms}, .said = std::move(read)};
  }
  PostgresOutcome silent(std::size_t index, bool in_order = false) {
    return {.member = kMembers[index].print(),
            .peer = {},
            .asked = {now_, now_ + 2ms},
            .said = fail(ErrorKind::refused, "connection refused"),
            .ended_in_order = in_order};
  }
  Facts look(std::vector<PostgresOutcome> outcomes) {
    now_ += 1s;
    return cluster_.read(outcomes);
  }

  PostgresCluster cluster_{kMembers};
  SteadyTime now_{1h};
};

PostgresRow sender(std::string name, std::string address, std::string state, std::string replied,
                   std::string replayed = "0/3000080") {
  return {std::move(name),     std::move(address), std::move(state), "0",
          std::move(replayed), std::move(replied)};
}

TEST_F(PostgresClusterTest, TellsRolesPositionsAndClocks) {
  auto primary = primary_rows();
  primary.senders = {sender("walreceiver", "10.0.0.2", "streaming", "12:00:00"),
                     sender("archive", "10.0.9.9", "streaming", "12:00:00")};
  primary.slots = {
      {"s2", "1", "0", "16777216"}, {"gone", "0", "1", std::nullopt}, {"old", "0", std::nullopt, "1"}};
  const Facts facts = look({said(0, primary), said(1, standby_rows("0/3000080"))});

  const auto* leader = claim_of(facts, "10.0.0.1:5432");
  ASSERT_TRUE(leader);
  EXPECT_EQ(leader->claim, Claim::leader);
  EXPECT_EQ(leader->tenure, (Tenure{"7710639032056344760", 1, "1700000000000000"}));
  EXPECT_FALSE(leader->votes);
  const auto* follower = claim_of(facts, "10.0.0.2:5432");
  ASSERT_TRUE(follower);
  EXPECT_EQ(follower->claim, Claim::not_leader);
  EXPECT_EQ(follower->follows, "10.0.0.1:5432");
  EXPECT_EQ(follower->tenure.epoch, 1u);

  const auto* own = position_of(facts, "10.0.0.2:5432", "10.0.0.2:5432");
  const auto* reported = position_of(facts, "10.0.0.2:5432", "10.0.0.1:5432");
  ASSERT_TRUE(own && reported);
  EXPECT_EQ(own->position, kSegment3 + 0x80);
  EXPECT_EQ(own->lineage, "7710639032056344760/1");
  EXPECT_EQ(own->link, Link::up);
  EXPECT_EQ(reported->position, own->position);
  EXPECT_EQ(position_of(facts, "10.0.0.1:5432", "10.0.0.1:5432")->position, kSegment3 + 0x100);
  EXPECT_TRUE(position_of(facts, "archive", "10.0.0.1:5432")) << "who is no member has its own name";

  EXPECT_EQ(reading_of(facts, "quorumwatch_postgres_slot_retained_bytes", "10.0.0.1:5432", "s2"), 16777216);
  EXPECT_EQ(reading_of(facts, "quorumwatch_postgres_slot_lost", "10.0.0.1:5432", "gone"), 1);
  EXPECT_FALSE(reading_of(facts, "quorumwatch_postgres_slot_retained_bytes", "10.0.0.1:5432", "gone"));
  EXPECT_FALSE(reading_of(facts, "quorumwatch_postgres_slot_lost", "10.0.0.1:5432", "old"))
      << "12 can not tell";
  ASSERT_EQ(facts.clocks.size(), 2u);
  EXPECT_EQ(facts.clocks[0].remote, WallTime(1700000100s));
  EXPECT_EQ(facts.round_trips[0].value, 1ms);
}

TEST_F(PostgresClusterTest, ALinkIsDownWhenEitherEndSaysSo) {
  const auto link = [this](const std::string& replied, const PostgresRows& standby) {
    auto primary = primary_rows();
    if (!replied.empty()) primary.senders = {sender("w", "10.0.0.2", "streaming", replied)};
    return position_of(look({said(0, primary), said(1, standby)}), "10.0.0.2:5432", "10.0.0.2:5432")->link;
  };
  EXPECT_EQ(link("", standby_rows()), Link::up) << "behind another address it may be listed under that one";
  EXPECT_EQ(link("1", standby_rows()), Link::up);
  for (const auto* reply : {"2", "2", "2", "2"})
    EXPECT_EQ(link(reply, standby_rows()), Link::up) << now_ - SteadyTime(1h);
  EXPECT_EQ(link("2", standby_rows()), Link::down)
      << "more than two of its intervals and a second without a reply";
  EXPECT_EQ(link("3", standby_rows()), Link::up);
  EXPECT_EQ(link("", standby_rows()), Link::down) << "it was listed, and is no more";
  EXPECT_EQ(link("4", standby_rows()), Link::up);
  auto cut = standby_rows();
  cut.receiver.clear();
  EXPECT_EQ(link("5", cut), Link::down);
  auto waiting = standby_rows();
  waiting.receiver.front()[0] = "waiting";
  EXPECT_EQ(link("6", waiting), Link::down);
  auto deaf = standby_rows();
  deaf.receiver.front()[4] = "35001";
  EXPECT_EQ(link("7", deaf), Link::down) << "it asked at half of wal_receiver_timeout, and heard nothing";
  auto hidden = standby_rows();
  hidden.receiver.front() = {std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt};
  EXPECT_EQ(link("8", hidden), Link::unknown);
}

TEST_F(PostgresClusterTest, ASilentStandbyKeepsWhatItsPrimarySaysOfIt) {
  auto primary = primary_rows();
  primary.senders = {sender("w", "10.0.0.2", "streaming", "1")};
  look({said(0, primary), said(1, standby_rows())});
  Link link = Link::up;
  for (int i = 0; i < 4; ++i) {
    const Facts facts = look({said(0, primary), silent(1)});
    EXPECT_TRUE(unanswered_by(facts, "10.0.0.2:5432"));
    link = position_of(facts, "10.0.0.2:5432", "10.0.0.1:5432")->link;
  }
  EXPECT_EQ(link, Link::down);
}

TEST_F(PostgresClusterTest, OneAddressWithTwoMembersNamesNeither) {
  PostgresCluster cluster({{"10.0.0.1", 5432}, {"10.0.0.1", 5433}});
  auto outcome = said(0, primary_rows());
  outcome.said->senders = {
      {.application = "a", .address = "10.0.0.1", .state = "streaming", .replayed = 1, .replied = {}},
      {.application = "a", .address = "10.0.0.2", .state = "streaming", .replayed = 1, .replied = {}},
      {.application = "b", .address = "10.0.0.3", .state = "backup", .replayed = 1, .replied = {}}};
  const Facts facts = cluster.read({outcome});
  EXPECT_TRUE(position_of(facts, "a", "10.0.0.1:5432"));
  EXPECT_TRUE(position_of(facts, "a@10.0.0.2", "10.0.0.1:5432"));
  EXPECT_FALSE(position_of(facts, "b", "10.0.0.1:5432")) << "a base backup is no replica";
}

TEST_F(PostgresClusterTest, ForksComeFromTheHistoryOfTheTimelineThatLeads) {
  auto newer = said(1, primary_rows("000000030000000000000004", "0/4000000"));
  EXPECT_FALSE(cluster_.wants_history(*newer.said, now_)) << "its role may not read it";
  newer.said->may_replicate = true;
  EXPECT_EQ(cluster_.wants_history(*newer.said, now_), 3u);
  EXPECT_FALSE(cluster_.wants_history(*said(0, primary_rows()).said, now_)) << "the first timeline has none";

  cluster_.learn_history(*newer.said, now_, fail(ErrorKind::rejected, "no"));
  EXPECT_FALSE(cluster_.wants_history(*newer.said, now_ + 1s)) << "not in every round";
  EXPECT_TRUE(cluster_.wants_history(*newer.said, now_ + 1min));
  EXPECT_EQ(reading_of(look({newer}), "quorumwatch_postgres_hidden", "10.0.0.2:5432", "history"), 1);

  cluster_.learn_history(*newer.said, now_,
                         std::vector<wire::TimelineSwitch>{{1, 0x3000000}, {2, 0x3800000}});
  const Facts alone = look({newer});
  const auto* fork = &*position_of(alone, "10.0.0.2:5432", "10.0.0.2:5432")->forked_from;
  EXPECT_EQ(fork->lineage, "7710639032056344760/2") << "its parent, while nobody else leads";
  const Facts both = look({said(0, primary_rows()), newer});
  fork = &*position_of(both, "10.0.0.2:5432", "10.0.0.2:5432")->forked_from;
  EXPECT_EQ(fork->lineage, "7710639032056344760/1") << "the other leader's, two timelines back";
  EXPECT_EQ(fork->position, 0x3000000u);
}

TEST_F(PostgresClusterTest, OnlyAPrimaryThatWasToldToEndHandsOver) {
  look({said(0, primary_rows()), said(1, standby_rows())});
  const Facts crashed = look({silent(0), silent(1, true)});
  EXPECT_TRUE(crashed.claims.empty());
  const Facts ended = look({silent(0, true), said(1, standby_rows())});
  ASSERT_TRUE(claim_of(ended, "10.0.0.1:5432"));
  EXPECT_TRUE(claim_of(ended, "10.0.0.1:5432")->handing_over);
  EXPECT_EQ(claim_of(ended, "10.0.0.1:5432")->claim, Claim::unknown);
  EXPECT_TRUE(unanswered_by(ended, "10.0.0.1:5432"));
}

TEST_F(PostgresClusterTest, AStandbyKeepsItsTimelineWhileItsReceiverIsGone) {
  auto linked = standby_rows();
  linked.receiver.front()[1] = "2";
  look({said(1, linked)});
  auto cut = standby_rows();
  cut.receiver.clear();
  Facts facts = look({said(1, cut)});
  EXPECT_EQ(position_of(facts, "10.0.0.2:5432", "10.0.0.2:5432")->lineage, "7710639032056344760/2");
  EXPECT_FALSE(claim_of(facts, "10.0.0.2:5432")->tenure.epoch) << "an epoch that it may have left is none";
  cut.role[5] = "1700000999000000";
  facts = look({said(1, cut)});
  EXPECT_EQ(position_of(facts, "10.0.0.2:5432", "10.0.0.2:5432")->lineage, "7710639032056344760/1")
      << "after a restart only the control file is left";
}

TEST_F(PostgresClusterTest, WithOtherMembersTheTimelinesOfThoseThatStayAreKnown) {
  auto linked = standby_rows();
  linked.receiver.front()[1] = "2";
  look({said(0, primary_rows()), said(1, linked)});
  PostgresCluster fewer({kMembers[1]});
  fewer.inherit(cluster_);
  auto cut = standby_rows();
  cut.receiver.clear();
  const Facts facts = fewer.read({said(1, cut), silent(0, true)});
  EXPECT_EQ(position_of(facts, "10.0.0.2:5432", "10.0.0.2:5432")->lineage, "7710639032056344760/2");
  EXPECT_FALSE(claim_of(facts, "10.0.0.1:5432")) << "that it led is forgotten with it";
}

TEST(PostgresStatements, AskEachVersionOnlyForWhatItHas) {
  constexpr std::array kVersions{120018, 130014, 140011, 150004, 160002, 170000, 180001};
  for (const int version : kVersions) {
    const auto all = postgres_statements(version, 1500ms);
    ASSERT_EQ(all.size(), 5u);
    const auto names = [&all](std::string_view word) {
      return std::ranges::any_of(all, [word](const std::string& text) { return text.contains(word); });
    };
    EXPECT_EQ(names("wal_status"), version >= 130000) << "pg_replication_slots has it since 13";
    // Of pg_stat_wal_receiver: 12 has received_lsn, 13 and later have written_lsn and flushed_lsn.
    EXPECT_FALSE(names("received_lsn") || names("written_lsn") || names("flushed_lsn"));
    EXPECT_TRUE(names("set_config('statement_timeout', '1500', false)"));
    EXPECT_EQ(postgres_second_look(version, 1500ms), std::vector(all.begin(), all.begin() + 3));
  }
}

TEST(PostgresConfiguration, RefusesWhatContradictsItself) {
  const struct {
    GivenFields::Values values;
    std::string problem;
  } cases[]{{{{"members", {}}}, "members: needs at least one address"},
            {{{"members", {"a:1", "a:1"}}}, "members: a:1 is there twice"},
            {{{"members", {"a b"}}}, "members: 'a b'"},
            {{{"username", {""}}}, "username: must not be empty"},
            {{{"database", {""}}}, "database: must not be empty"},
            {{{"sslmode", {"prefer"}}}, "sslmode: must be disable, require, verify-ca or verify-full"},
            {{{"sslmode", {"disable"}}, {"tls.ca_file", {"ca"}}}, "sslmode: 'disable' contradicts 'tls'"},
            {{{"sslmode", {"verify-full"}}}, "sslmode: 'verify-full' needs tls.ca_file"},
            {{{"tls.cert_file", {"c"}}, {"tls.key_file", {"k"}}}, "tls: 'verify-full' needs tls.ca_file"},
            {{{"sslmode", {"verify-ca"}}, {"tls.ca_file", {"ca"}}, {"tls.insecure_skip_verify", {"true"}}},
             "sslmode: contradicts tls.insecure_skip_verify"},
            {{{"sslmode", {"verify-ca"}}, {"tls.ca_file", {"ca"}}, {"tls.server_name", {"n"}}},
             "tls: server_name is only looked at with sslmode verify-full"}};
  for (const auto& one : cases) {
    GivenFields::Values values{{"members", {"db:5432"}}, {"username", {"monitor"}}};
    for (const auto& [key, value] : one.values) values[key] = value;
    GivenFields fields(values);
    (void)kPostgres.read(fields);
    ASSERT_FALSE(fields.problems.empty()) << one.problem;
    EXPECT_TRUE(fields.problems.front().starts_with(one.problem)) << fields.problems.front();
  }
  for (const auto& good : std::vector<GivenFields::Values>{{},
                                                           {{"sslmode", {"require"}}},
                                                           {{"tls.ca_file", {"ca"}}},
                                                           {{"tls.insecure_skip_verify", {"true"}}}}) {
    GivenFields::Values values{{"members", {"db"}}, {"username", {"monitor"}}};
    values.insert(good.begin(), good.end());
    GivenFields fields(values);
    (void)kPostgres.read(fields);
    EXPECT_EQ(fields.problems, std::vector<std::string>{});
  }
}

TEST(PostgresError, IsOneLineInOurWordsWithoutTheSecret) {
  const Secret secret("Geheim/4711");
  const std::string where = "connection to server at \"10.0.0.1\", port 5432 failed: ";
  const struct {
    std::string said;
    ErrorKind kind;
    std::string message;
  } cases[]{{where + "Connection refused\n\tIs the server running on that host?\n", ErrorKind::refused,
             "connection refused"},
            {where + "server closed the connection unexpectedly\n\tThis probably means\n", ErrorKind::refused,
             "closed by peer"},
            {where + "SSL SYSCALL error: EOF detected\n", ErrorKind::refused, "closed by peer"},
            {where + "No route to host\n", ErrorKind::unreachable, "No route to host"},
            {where + "FATAL:  28P01: password authentication failed for user \"m\"\nLOCATION:  auth_failed, "
                     "auth.c:326\n",
             ErrorKind::rejected, "password authentication failed for user \"m\" (SQLSTATE 28P01)"},
            {where + "FATAL:  3D000: database \"Geheim/4711\" does not exist\n", ErrorKind::rejected,
             "database \"***\" does not exist (SQLSTATE 3D000)"},
            {where + "server does not support SSL, but SSL was required\n", ErrorKind::rejected,
             "server does not support SSL, but SSL was required"},
            {where + "expected authentication request from server, but received H\n", ErrorKind::protocol,
             "expected authentication request from server, but received H"}};
  for (const auto& one : cases) {
    const Error error = postgres_error(one.said, secret);
    EXPECT_EQ(error.message(), one.message);
    EXPECT_EQ(error.kind(), one.kind) << one.message;
  }
}

TEST(PostgresParameters, LeaveNothingToTheEnvironmentOrToNames) {
  PostgresLogin login{.username = "monitor",
                      .password = {},
                      .database = "postgres",
                      .sslmode = "require",
                      .ca_file = {},
                      .cert_file = {},
                      .key_file = {},
                      .server_name = {}};
  const PostgresParameters plain(login, {"db.example", 5433}, "10.0.0.1");
  EXPECT_EQ(plain.get("hostaddr"), "10.0.0.1");
  EXPECT_EQ(plain.get("port"), "5433");
  EXPECT_EQ(plain.get("host"), "");
  EXPECT_EQ(plain.get("replication"), "");
  login.sslmode = "verify-full";
  EXPECT_EQ(PostgresParameters(login, {"db.example", 5433}, "10.0.0.1").get("host"), "db.example");
  login.server_name = "other.example";
  EXPECT_EQ(PostgresParameters(login, {"db.example", 5433}, "10.0.0.1").get("host"), "other.example");

  // libpq itself knows which variables it reads.
  auto* const options = PQconndefaults();
  ASSERT_TRUE(options);
  const auto forgotten = postgres_environment();
  for (auto* option = options; option->keyword != nullptr; ++option) {
    if (option->envvar == nullptr || !plain.get(option->keyword).empty()) continue;
    EXPECT_TRUE(std::ranges::any_of(forgotten, [&](const char* name) {
      return option->envvar == std::string(name);
    })) << option->envvar;
  }
  PQconninfoFree(options);
}

class PostgresServerTest : public RedisFixture {
 protected:
  std::unique_ptr<Probe> watch(const std::string& member, GivenFields::Values more = {}) {
    more.insert({{"members", {member}}, {"username", {"monitor"}}});
    GivenFields fields(std::move(more));
    auto probe = kPostgres.read(fields)(ProbeContext{net_, clock_});
    EXPECT_TRUE(probe);
    return std::move(*probe);
  }
  /// Why its member did not answer.
  Error refusal(PostgresScript script, Nanoseconds within = 5s) {
    ScriptedPostgres server(io_, tasks_, std::move(script));
    const auto probe = watch(server.address());
    const SteadyTime since = clock_.steady();
    const Facts facts = ask(*probe, within);
    took_ = clock_.steady() - since;
    sent_ = server.sent();
    EXPECT_TRUE(facts.claims.empty());
    EXPECT_EQ(facts.unanswered.size(), 1u);
    return facts.unanswered.empty() ? Error(ErrorKind::internal, "it answered")
                                    : facts.unanswered.front().error;
  }

  Nanoseconds took_{};
  std::size_t sent_ = 0;
};

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(PostgresServerTest, AsksOverAKeptConnection) {
  ScriptedPostgres server(io_, tasks_, {.replies = primary_rows().bytes()});
  const auto probe = watch(server.address());
  for (int i = 0; i < 3; ++i) {
    const Facts facts = ask(*probe);
    ASSERT_TRUE(facts.unanswered.empty()) << facts.unanswered.front().error.message();
    EXPECT_EQ(claim_of(facts, server.address())->claim, Claim::leader);
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(PostgresServerTest, ReplacesAConnectionThatWasClosedMeanwhile) {
  ScriptedPostgres server(io_, tasks_, {.replies = primary_rows().bytes(), .looks = 1});
  const auto probe = watch(server.address());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(*probe).unanswered.empty());
  EXPECT_EQ(server.connections(), 3u);
}

TEST_F(PostgresServerTest, TellsAShutdownFromACrash) {
  for (const auto& [function, in_order] :
       {std::pair("ProcessInterrupts", true), std::pair("secure_read", false)}) {
    ScriptedPostgres server(io_, tasks_,
                            {.replies = primary_rows().bytes(),
                             .looks = 1,
                             .farewell = fatal("57P01", "terminating connection", function)});
    const std::string member = server.address();
    const auto probe = watch(member);
    EXPECT_TRUE(ask(*probe).unanswered.empty());
    server.stop_listening();
    const Facts facts = ask(*probe);
    ASSERT_EQ(facts.unanswered.size(), 1u);
    EXPECT_EQ(facts.unanswered.front().error.message(), "connection refused");
    const auto* claim = claim_of(facts, member);
    EXPECT_EQ(claim != nullptr && claim->handing_over, in_order) << function;
  }
}

TEST_F(PostgresServerTest, SaysWhatTheServerSaid) {
  const Error starting =
      refusal({.greets = fatal("57P03", "the database system is starting up", "ProcessStartupPacket")});
  EXPECT_EQ(starting.message(), "the database system is starting up (SQLSTATE 57P03)");
  EXPECT_EQ(starting.kind(), ErrorKind::rejected);
}

TEST_F(PostgresServerTest, GivesUpAtItsDeadlineOnSilence) {
  EXPECT_EQ(refusal({.greets = ""}, 200ms).kind(), ErrorKind::timeout);
  EXPECT_LT(took_, 2s);
  EXPECT_EQ(refusal({}, 200ms).kind(), ErrorKind::timeout) << "it greets, and answers nothing";
  EXPECT_LT(took_, 2s);
  EXPECT_EQ(refusal({.greets = greeting() + std::string(10000, ' '), .drip = true}, 200ms).kind(),
            ErrorKind::timeout)
      << "bytes that trickle in move no deadline";
}

TEST_F(PostgresServerTest, DropsWhatIsNoAnswer) {
  EXPECT_EQ(refusal({.greets = "HTTP/1.1 400 Bad Request\r\n\r\n"}).kind(), ErrorKind::protocol);
  for (const std::string& garbage : {"HTTP/1.1 400 Bad Request\r\n\r\n"s, message('G', "\0\0\0"s),
                                     ready() + ready() + ready(), answer({{"1"}}), std::string(5000, '\xff'),
                                     ready() + answer({{"1"}, {"2"}}) + std::string(100, '\0')}) {
    const Error error = refusal({.replies = garbage}, 1s);
    EXPECT_NE(error.kind(), ErrorKind::internal) << garbage;
    EXPECT_LT(took_, 3s);
  }
  PostgresRows odd = primary_rows();
  odd.role = {"maybe"};
  EXPECT_EQ(refusal({.replies = odd.bytes()}).message(), "it does not say whether it is in recovery");
}

TEST_F(PostgresServerTest, EndlessAnswersFillNoMemoryAndEndBeforeTheDeadline) {
  const std::size_t before = resident_bytes();
  const std::string huge_row = "D" + big_endian(0x3fffffff, 4);
  const PostgresScript floods[]{
      {.greets = message('R', big_endian(0, 4)), .replies = "", .flood = ""},
      {.replies = ready() + answer({{"1"}}), .flood = data_row({"1", "2"})},
      {.replies = ready() + message('1', "") + message('2', ""), .flood = huge_row + std::string(65536, 'x')},
      {.replies = ready(), .flood = message('N', "SNOTICE\0VNOTICE\0C00000\0Mtoo much\0\0"s)}};
  for (const auto& script : floods) {
    PostgresScript one = script;
    if (one.flood.empty()) {
      // Parameters without end instead of the end of the greeting.
      for (int i = 0; i < 20'000; ++i) one.greets += message('S', fmt::format("name{}", i) + "\0value\0"s);
    }
    const Error error = refusal(one, 20s);
    EXPECT_TRUE(error.kind() == ErrorKind::too_large || error.kind() == ErrorKind::protocol)
        << error.message();
    EXPECT_LT(took_, 10s) << error.message();
    EXPECT_LT(sent_, 16u << 20);
  }
  // AddressSanitizer keeps what was freed for a while.
  constexpr std::size_t kKept = __has_feature(address_sanitizer) ? std::size_t{256} << 20 : 0;
  EXPECT_LT(resident_bytes(), before + (std::size_t{32} << 20) + kKept);
}

TEST_F(PostgresServerTest, NobodyWaitsForAServerThatMakesUsHashWithoutEnd) {
  // A second or so of it, so that this process can end.
  ScriptedPostgres hostile(io_, tasks_, {.hash_rounds = 2'000'000});
  ScriptedPostgres sound(io_, tasks_, {.replies = primary_rows().bytes()});
  auto probe = watch(hostile.address(),
                     {{"members", {hostile.address(), sound.address()}}, {"password_file", {"secret"}}});
  const auto refusal_of = [&](const Facts& facts) {
    EXPECT_NE(claim_of(facts, sound.address()), nullptr) << "the other member is asked as ever";
    EXPECT_EQ(facts.unanswered.size(), 1u);
    return facts.unanswered.empty() ? "" : facts.unanswered.front().error.message();
  };
  SteadyTime since = clock_.steady();
  EXPECT_EQ(refusal_of(ask(*probe, 300ms)), "deadline exceeded while connecting");
  EXPECT_EQ(refusal_of(ask(*probe, 300ms)),
            "the server asked for more hashing than a login may take, which still goes on");
  EXPECT_EQ(hostile.connections(), 1u) << "one thread is enough for it";
  EXPECT_LT(clock_.steady() - since, 2s);
  since = clock_.steady();
  probe.reset();
  EXPECT_LT(clock_.steady() - since, 100ms) << "what a reload does";
  EXPECT_FALSE(kPostgres.threads_ended(Nanoseconds{})) << "else this has shown nothing";
  EXPECT_TRUE(kPostgres.threads_ended(120s));
}

}  // namespace
}  // namespace qw::probes
