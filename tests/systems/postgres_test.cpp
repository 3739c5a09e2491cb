// The PostgreSQL probe and the signals against real servers that are broken on purpose. What really happened
// is read with psql, so that truth never comes from what is tested.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <functional>

#include "daemon/base/text.hpp"
#include "tests/lab/lab.hpp"
#include "tests/systems/support.hpp"

namespace qw::probes {

extern const ProbeKind kPostgres;

namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kInterval = 200ms;
constexpr Nanoseconds kTimeout = 1s;
constexpr WatchedTarget::Pace kPace{.interval = kInterval, .timeout = kTimeout};

std::optional<double> of_member(const Round& round, std::string_view family, const lab::Node& node) {
  return value(round, family, "member", node.endpoint());
}
std::optional<double> lag_seconds(const Round& round, const lab::Node& node) {
  return of_member(round, "quorumwatch_replication_lag_seconds", node);
}
std::optional<double> lag_bytes(const Round& round, const lab::Node& node) {
  return of_member(round, "quorumwatch_replication_lag_bytes", node);
}
std::optional<double> link_up(const Round& round, const lab::Node& node) {
  return of_member(round, "quorumwatch_replication_link_up", node);
}
std::optional<double> split_brain(const Round& round) {
  return value(round, "quorumwatch_split_brain", "kind", "unfenced");
}
double elections(const Round& round, std::string_view cause) {
  return value(round, "quorumwatch_leader_elections_total", "cause", cause).value_or(-1);
}

const Unanswered* unanswered_by(const Round& round, const lab::Node& node) {
  const auto found = std::ranges::find(round.facts.unanswered, node.endpoint(), &Unanswered::member);
  return found == round.facts.unanswered.end() ? nullptr : &*found;
}

std::string sql(const lab::Node& node, std::string_view statement) {
  const auto text = shell(
      fmt::format("psql -XAtq -h {} -p {} -U postgres -c \"{}\" 2>&1", node.address, node.port, statement));
  return std::string(trim(text));
}

std::int64_t number(const lab::Node& node, std::string_view statement) {
  const auto text = sql(node, statement);
  EXPECT_TRUE(parse_int64(text)) << statement << ": " << text;
  return parse_int64(text).value_or(-1);
}

/// Bytes of the log that the primary has written and the standby has not replayed.
std::int64_t behind(const lab::Node& primary, const lab::Node& standby) {
  const auto replayed = sql(standby, "select pg_last_wal_replay_lsn()");
  return number(primary, fmt::format("select pg_wal_lsn_diff(pg_current_wal_lsn(), '{}')", replayed));
}

void write_rows(const lab::Node& node, int rows) {
  const auto said =
      sql(node, fmt::format("insert into lab select repeat('x', 500) from generate_series(1, {})", rows));
  EXPECT_EQ(said, "");
}

/// The lab's servers as a target; each round is measured when it is asked for.
class Watched : public WatchedTarget {
 public:
  explicit Watched(const lab::Lab& lab, std::string_view options = "username: monitor")
      : WatchedTarget(kPostgres,
                      fmt::format("members: [{}], {}", fmt::join(lab.endpoints("postgres"), ", "), options),
                      kPace, lab.directory()) {}
};

void start(lab::Lab& lab, std::vector<std::string> options = {}) {
  options.insert(options.begin(), "postgres");
  const auto up = lab.up(options);
  ASSERT_TRUE(up) << up.error().message();
}

/// One primary, and every standby linked and with all that there is.
bool is_healthy(const Round& round) {
  const auto links = value(round, "quorumwatch_replication_link_up");
  return value(round, "quorumwatch_leaders") == 1 && round.facts.unanswered.empty() &&
         links.value_or(0) == static_cast<double>(round.facts.claims.size()) - 1 &&
         value(round, "quorumwatch_replication_lag_bytes") == 0;
}

TEST(Postgres, SeesAHealthyPairAsItIs) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab, {"--slots", "--sync"});
  const auto primary = lab.node("postgres-1");
  const auto standby = lab.node("postgres-2");
  Watched watched(lab);
  const Round round = watched.until(is_healthy);

  EXPECT_TRUE(round.success);
  EXPECT_EQ(of_member(round, "quorumwatch_leader_claim", primary), 1);
  EXPECT_EQ(of_member(round, "quorumwatch_leader_claim", standby), 0);
  EXPECT_EQ(value(round, "quorumwatch_leader_epoch"), 1);
  EXPECT_EQ(value(round, "quorumwatch_leader_views"), 1);
  EXPECT_EQ(value(round, "quorumwatch_split_brain"), 0);
  EXPECT_FALSE(value(round, "quorumwatch_quorum_members")) << "replication by itself has no quorum";
  ASSERT_EQ(round.facts.claims.size(), 2u);
  EXPECT_EQ(round.facts.claims[1].follows, primary.endpoint());
  EXPECT_EQ(round.facts.claims[0].tenure.lineage,
            sql(primary, "select system_identifier from pg_control_system()"));
  EXPECT_EQ(value(round, "quorumwatch_postgres_synchronous_standbys"), 1);
  EXPECT_EQ(value(round, "quorumwatch_postgres_slot_active", "slot", "postgres_2"), 1);
  // Version 12 does not say of a slot that it has lost what it needs.
  const bool tells_lost = number(primary, "show server_version_num") >= 130000;
  EXPECT_EQ(value(round, "quorumwatch_postgres_slot_lost", "slot", "postgres_2"),
            tells_lost ? std::optional(0.0) : std::nullopt);
  EXPECT_LT(value(round, "quorumwatch_postgres_slot_retained_bytes", "slot", "postgres_2").value_or(-1), 1e8);
  EXPECT_EQ(value(round, "quorumwatch_postgres_read_only"), 0);
  EXPECT_EQ(value(round, "quorumwatch_postgres_replay_paused"), 0);
  EXPECT_FALSE(value(round, "quorumwatch_postgres_hidden")) << "pg_monitor is enough";
  EXPECT_EQ(round.facts.round_trips.size(), 2u);
  ASSERT_EQ(round.facts.clocks.size(), 2u);
  for (const auto& clock : round.facts.clocks) {
    EXPECT_LE(clock.remote, clock.local_received) << clock.member << " runs on our own clock";
    EXPECT_GE(clock.remote + clock.resolution, clock.local_sent) << clock.member;
  }
}

TEST(Postgres, LagIsTheTruthWhenIdleWhenLoadedAndWhenReplayIsPaused) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto primary = lab.node("postgres-1");
  const auto standby = lab.node("postgres-2");
  Watched watched(lab);
  watched.until(is_healthy);
  for (int i = 0; i < 10; ++i) {
    const Round idle = watched.round();
    EXPECT_LT(lag_bytes(idle, standby).value_or(-1), 100'000) << "the primary writes a little on its own";
    EXPECT_LT(lag_seconds(idle, standby).value_or(99), 1.0) << "nothing is written, nothing is late";
  }
  for (int i = 0; i < 10; ++i) {
    SteadyTime complete;
    do {
      complete = std::chrono::steady_clock::now();
    } while (behind(primary, standby) > 0);
    write_rows(primary, 2000);
    const Round loaded = watched.round();
    EXPECT_LE(lag_seconds(loaded, standby).value_or(99),
              seconds(std::chrono::steady_clock::now() - complete) + seconds(kInterval))
        << "it had everything until then";
  }
  watched.until(is_healthy);

  EXPECT_EQ(sql(standby, "select pg_wal_replay_pause()"), "");
  watched.until([&](const Round& round) { return value(round, "quorumwatch_postgres_replay_paused") == 1; });
  const SteadyTime before = std::chrono::steady_clock::now();
  write_rows(primary, 100);
  const SteadyTime after = std::chrono::steady_clock::now();
  watched.round();
  for (int i = 0; i < 10; ++i) {
    // Load goes on meanwhile, and does not make the oldest of what is missing any younger.
    write_rows(primary, 10);
    const SteadyTime asked = std::chrono::steady_clock::now();
    const Round round = watched.round();
    const SteadyTime answered = std::chrono::steady_clock::now();
    const double least = seconds(asked - after), most = seconds(answered - before) + seconds(kInterval);
    EXPECT_GE(lag_seconds(round, standby).value_or(-1), least - seconds(kInterval) - 0.05);
    EXPECT_LE(lag_seconds(round, standby).value_or(99), most + 0.05);
    EXPECT_EQ(link_up(round, standby), 1) << "what is paused is the replay";
  }
  // The primary writes a little on its own, so the truth is taken before and after.
  bool compared = false;
  for (int i = 0; i < 50 && !compared; ++i) {
    const auto truth = behind(primary, standby);
    const Round round = watched.round();
    if (truth != behind(primary, standby)) continue;
    EXPECT_EQ(lag_bytes(round, standby), static_cast<double>(truth));
    EXPECT_GT(truth, 50'000);
    compared = true;
  }
  EXPECT_TRUE(compared);
  EXPECT_EQ(sql(standby, "select pg_wal_replay_resume()"), "");
  const Round caught_up = watched.until(is_healthy);
  EXPECT_LT(lag_seconds(caught_up, standby).value_or(99), 0.5);
}

TEST(Postgres, ShowsTheGrowingLagOfACutStandbyAndThatItsLinkIsDown) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab, {"--standbys", "2"});
  const auto primary = lab.node("postgres-1");
  const auto cut = lab.node("postgres-2");
  const auto good = lab.node("postgres-3");
  Watched watched(lab);
  watched.until(is_healthy);

  ASSERT_TRUE(lab.cut("postgres-2"));
  const SteadyTime since = std::chrono::steady_clock::now();
  double last = 0;
  const Round down = watched.until([&](const Round& round) {
    write_rows(primary, 10);
    const double lag = lag_seconds(round, cut).value_or(-1);
    EXPECT_GE(lag, 0) << "unknown is not what a cut standby is: its position is known";
    if (last > 1.0) EXPECT_GT(lag, last) << "nothing is under way any more: it grows from round to round";
    last = lag;
    EXPECT_EQ(link_up(round, good), 1);
    return link_up(round, cut) == 0;
  });
  EXPECT_LT(std::chrono::steady_clock::now() - since, 15s)
      << "three of its status intervals, and not wal_receiver_timeout";
  EXPECT_GT(lag_bytes(down, cut).value_or(0), 10'000);
  EXPECT_LE(last, seconds(std::chrono::steady_clock::now() - since) + 1.0);
  EXPECT_LT(lag_seconds(down, good).value_or(99), 1.0);
  EXPECT_EQ(value(down, "quorumwatch_split_brain"), 0);

  ASSERT_TRUE(lab.heal());
  watched.until(is_healthy, 90s);
}

TEST(Postgres, AnIdleStandbyThatIsCutOffIsReportedDownToo) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto standby = lab.node("postgres-2");
  Watched watched(lab);
  watched.until(is_healthy);
  ASSERT_TRUE(lab.cut("postgres-2"));
  const Round down = watched.until([&](const Round& round) { return link_up(round, standby) == 0; });
  EXPECT_LT(lag_bytes(down, standby).value_or(-1), 100'000);
  const double lag = lag_seconds(down, standby).value_or(-1);
  const Round later = watched.round();
  EXPECT_GT(lag_seconds(later, standby).value_or(-1), lag) << "nobody knows what it misses by now";
}

TEST(Postgres, KnowsOfAStoppedStandbyWhatItsPrimaryKnows) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto primary = lab.node("postgres-1");
  const auto standby = lab.node("postgres-2");
  Watched watched(lab);
  watched.until(is_healthy);
  ASSERT_TRUE(lab.stop("postgres-2"));
  double last = 0;
  const Round down = watched.until([&](const Round& round) {
    write_rows(primary, 10);
    EXPECT_TRUE(unanswered_by(round, standby));
    EXPECT_LT(round.finished - round.started, kTimeout + 500ms) << "it holds nobody up";
    last = std::max(last, lag_seconds(round, standby).value_or(0));
    return link_up(round, standby) == 0;
  });
  EXPECT_GT(lag_bytes(down, standby).value_or(0), 5'000);
  EXPECT_GT(last, 1.0);
  EXPECT_EQ(of_member(down, "quorumwatch_leader_claim", primary), 1);
  EXPECT_FALSE(of_member(down, "quorumwatch_leader_claim", standby)) << "unknown, not 'no'";
  ASSERT_TRUE(lab.cont("postgres-2"));
  watched.until(is_healthy, 90s);
}

TEST(Postgres, AStoppedPrimaryIsUnknownAndComesBackAsTheSame) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto primary = lab.node("postgres-1");
  const auto standby = lab.node("postgres-2");
  Watched watched(lab);
  watched.until(is_healthy);
  ASSERT_TRUE(lab.stop("postgres-1"));
  for (int i = 0; i < 3; ++i) {
    const Round round = watched.round();
    EXPECT_TRUE(unanswered_by(round, primary));
    EXPECT_LT(round.finished - round.started, kTimeout + 500ms);
    EXPECT_FALSE(of_member(round, "quorumwatch_leader_claim", primary));
    EXPECT_TRUE(lag_seconds(round, standby)) << "its lag grows while the primary can not be asked";
    EXPECT_FALSE(lag_bytes(round, standby));
  }
  ASSERT_TRUE(lab.cont("postgres-1"));
  const Round back = watched.until(is_healthy, 90s);
  EXPECT_EQ(value(back, "quorumwatch_leader_elections_total"), 0);
  EXPECT_EQ(value(back, "quorumwatch_split_brain_overlaps_total"), 0);
}

TEST(Postgres, ProvesTheSplitBrainOfASecondPrimaryAndMeasuresWhatIsLost) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto old = lab.node("postgres-1");
  const auto fresh = lab.node("postgres-2");
  Watched watched(lab, "username: forks");
  watched.until(is_healthy);
  EXPECT_EQ(sql(fresh, "select pg_promote()"), "t");
  write_rows(old, 100);
  write_rows(fresh, 20);
  const Round split = watched.until([](const Round& round) { return split_brain(round) == 1; }, 10s);
  EXPECT_EQ(value(split, "quorumwatch_leaders"), 2);
  EXPECT_EQ(value(split, "quorumwatch_leader_epoch"), 2);
  EXPECT_TRUE(watched.on_call().paged("QuorumwatchSplitBrain"));

  const std::string fork(trim(shell(fmt::format(
      "cut -f2 $(python3 -c 'import json;print(json.load(open(\"{}/state.json\"))[\"nodes\"][\"postgres-2\"]"
      "[\"data\"])')/pg_wal/00000002.history",
      lab.directory().string()))));
  const auto lost = [&] {
    return number(old, fmt::format("select pg_wal_lsn_diff(pg_current_wal_lsn(), '{}')", fork));
  };
  bool compared = false;
  for (int i = 0; i < 50 && !compared; ++i) {
    const auto truth = lost();
    const Round round = watched.round();
    if (truth != lost()) continue;
    EXPECT_EQ(value(round, "quorumwatch_split_brain_diverged_bytes"), static_cast<double>(truth));
    EXPECT_GT(truth, 50'000);
    compared = true;
  }
  EXPECT_TRUE(compared);

  ASSERT_TRUE(lab.kill("postgres-1"));
  ASSERT_TRUE(lab.run({"start", "postgres-1", "--follow", "postgres-2", "--rebuild"}));
  const Round healed =
      watched.until([](const Round& round) { return is_healthy(round) && split_brain(round) == 0; }, 60s);
  EXPECT_EQ(value(healed, "quorumwatch_leader_elections_total"), 1);
  EXPECT_EQ(value(healed, "quorumwatch_split_brain_overlaps_total", "kind", "unfenced"), 1);
  EXPECT_EQ(value(healed, "quorumwatch_leader_epoch_regressions_total"), 0);
}

TEST(Postgres, WithoutTheRightToReadHistoriesASplitBrainHasNoSize) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  Watched watched(lab);
  watched.until(is_healthy);
  EXPECT_EQ(sql(lab.node("postgres-2"), "select pg_promote()"), "t");
  write_rows(lab.node("postgres-1"), 10);
  const Round split = watched.until([](const Round& round) { return split_brain(round) == 1; }, 10s);
  EXPECT_FALSE(value(split, "quorumwatch_split_brain_diverged_bytes"));
  EXPECT_EQ(value(split, "quorumwatch_postgres_hidden", "part", "history"), 1);
  // The other of the two ways: a function that reads files.
  for (const auto* statement :
       {"grant pg_read_server_files to monitor", "grant execute on function pg_read_file(text) to monitor"}) {
    EXPECT_EQ(sql(lab.node("postgres-1"), statement), "");
    EXPECT_EQ(sql(lab.node("postgres-2"), statement), "");
  }
  const Round sized = watched.until(
      [](const Round& round) { return value(round, "quorumwatch_split_brain_diverged_bytes").has_value(); });
  EXPECT_GT(value(sized, "quorumwatch_split_brain_diverged_bytes").value_or(0), 1000);
}

TEST(Postgres, ACleanSwitchOverIsOnePlannedElectionAndNoSplitBrain) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto old = lab.node("postgres-1");
  const auto fresh = lab.node("postgres-2");
  write_rows(old, 10);
  Watched watched(lab);
  watched.until(is_healthy);
  const auto look = [&] {
    const Round round = watched.round();
    EXPECT_EQ(split_brain(round), 0);
    EXPECT_LE(value(round, "quorumwatch_leaders").value_or(0), 1);
  };
  ASSERT_TRUE(lab.run({"kill", "postgres-1", "--in-order"}));
  look();
  EXPECT_EQ(sql(fresh, "select pg_promote()"), "t");
  look();
  ASSERT_TRUE(lab.run({"start", "postgres-1", "--follow", "postgres-2"}));
  const Round after = watched.until([&](const Round& round) {
    EXPECT_EQ(split_brain(round), 0);
    return is_healthy(round);
  });
  EXPECT_EQ(elections(after, "planned"), 1);
  EXPECT_EQ(value(after, "quorumwatch_leader_elections_total"), 1);
  EXPECT_EQ(value(after, "quorumwatch_leader_epoch"), 2);
  EXPECT_EQ(value(after, "quorumwatch_split_brain_overlaps_total"), 0);
  EXPECT_EQ(value(after, "quorumwatch_leader_epoch_regressions_total"), 0);
  EXPECT_EQ(of_member(after, "quorumwatch_leader_claim", fresh), 1);
  EXPECT_EQ(of_member(after, "quorumwatch_leader_claim", old), 0);
  EXPECT_FALSE(watched.on_call().paged_for_a_split());
}

TEST(Postgres, AFailOverAfterACrashIsUnplanned) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  Watched watched(lab);
  watched.until(is_healthy);
  ASSERT_TRUE(lab.kill("postgres-1"));
  watched.round();
  EXPECT_EQ(sql(lab.node("postgres-2"), "select pg_promote()"), "t");
  const Round after = watched.until(
      [](const Round& round) { return value(round, "quorumwatch_leader_elections_total") == 1; });
  EXPECT_EQ(elections(after, "unplanned"), 1);
  EXPECT_EQ(split_brain(after), 0);
  EXPECT_FALSE(watched.on_call().paged_for_a_split());
}

TEST(Postgres, ADroppedConnectionIsNotADownMember) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  Watched watched(lab);
  watched.until(is_healthy);
  for (const auto& node : lab.nodes("postgres")) {
    EXPECT_EQ(sql(node,
                  "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
                  "'quorumwatch'"),
              "t");
  }
  const Round round = watched.round();
  EXPECT_TRUE(round.facts.unanswered.empty()) << reasons_in(round);
  EXPECT_EQ(value(round, "quorumwatch_leaders"), 1);
}

TEST(Postgres, ARoleWithLessThanPgMonitorIsToldWhatItDoesNotSee) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto standby = lab.node("postgres-2");
  Watched watched(lab, "username: nobody");
  const Round round = watched.until([](const Round& now) { return now.facts.unanswered.empty(); });
  EXPECT_EQ(value(round, "quorumwatch_leaders"), 1) << "the role of each server is everybody's to know";
  EXPECT_TRUE(lag_bytes(round, standby)) << "so is its position";
  EXPECT_FALSE(link_up(round, standby)) << "unknown, not 'down'";
  EXPECT_EQ(value(round, "quorumwatch_postgres_hidden", "part", "receiver"), 1);
  EXPECT_EQ(value(round, "quorumwatch_postgres_hidden", "part", "senders"), 1);
}

TEST(Postgres, APrimaryThatIsKeptFromWritingDoesNotLead) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab);
  const auto primary = lab.node("postgres-1");
  Watched watched(lab);
  watched.until(is_healthy);
  EXPECT_EQ(sql(primary, "alter role monitor set default_transaction_read_only = on"), "");
  EXPECT_EQ(sql(primary,
                "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity where usename = "
                "'monitor'"),
            "t");
  EXPECT_EQ(of_member(watched.round(), "quorumwatch_leader_claim", primary), 1)
      << "what a role sets for itself keeps nobody else from writing";
  EXPECT_EQ(sql(primary, "alter role monitor reset default_transaction_read_only"), "");
  EXPECT_EQ(sql(primary, "alter system set default_transaction_read_only = on"), "");
  EXPECT_EQ(sql(primary, "select pg_reload_conf()"), "t");
  EXPECT_EQ(sql(primary,
                "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity where usename = "
                "'monitor'"),
            "t");
  const Round round = watched.until(
      [&](const Round& now) { return of_member(now, "quorumwatch_leader_claim", primary) == 0; });
  EXPECT_EQ(value(round, "quorumwatch_postgres_read_only"), 1);
  EXPECT_TRUE(lag_bytes(round, lab.node("postgres-2"))) << "it is still where the history is";
}

TEST(Postgres, SaysWhyItWasNotLetIn) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab, {"--standbys", "0", "--password", "right-4711"});
  std::ofstream(lab.directory() / "right") << "right-4711\n";
  std::ofstream(lab.directory() / "wrong") << "wrong-4711\n";
  Watched let_in(lab, "username: monitor, password_file: right");
  EXPECT_EQ(value(let_in.round(), "quorumwatch_leaders"), 1);
  Watched wrong(lab, "username: monitor, password_file: wrong");
  EXPECT_TRUE(reasons_in(wrong.round()).contains("password authentication failed"))
      << reasons_in(wrong.round());
  EXPECT_FALSE(reasons_in(wrong.round()).contains("4711"));
  Watched none(lab, "username: monitor");
  EXPECT_TRUE(reasons_in(none.round()).contains("'password_file' is not set")) << reasons_in(none.round());
  Watched elsewhere(lab, "username: monitor, password_file: right, database: nowhere");
  EXPECT_TRUE(reasons_in(elsewhere.round()).contains("database \"nowhere\" does not exist (SQLSTATE 3D000)"))
      << reasons_in(elsewhere.round());
  ::setenv("PGPASSWORD", "right-4711", 1);
  ::setenv("PGSERVICE", "elsewhere", 1);
  ::setenv("PGSSLMODE", "require", 1);
  Watched environment(lab, "username: monitor");
  EXPECT_TRUE(reasons_in(environment.round()).contains("'password_file' is not set"))
      << "the environment has no say: " << reasons_in(environment.round());
  ::unsetenv("PGPASSWORD");
  ::unsetenv("PGSSLMODE");
}

TEST(Postgres, SpeaksTlsAndRefusesWhoeverIsSomebodyElse) {
  QW_NEED_LAB();
  lab::Lab lab;
  start(lab, {"--standbys", "0", "--client-cert"});
  const std::string files = fmt::format("cert_file: {}, key_file: {}", lab.certificate("client.crt"),
                                        lab.certificate("client.key"));
  const std::string trusted = fmt::format("ca_file: {}, {}", lab.certificate("ca.crt"), files);
  Watched verified(lab, fmt::format("username: monitor, tls: {{{}}}", trusted));
  const Round good = verified.round();
  EXPECT_EQ(value(good, "quorumwatch_leaders"), 1) << reasons_in(good);
  Watched other_name(lab, fmt::format("username: monitor, tls: {{{}, server_name: other.example}}", trusted));
  EXPECT_TRUE(reasons_in(other_name.round()).contains("does not match host name"))
      << reasons_in(other_name.round());
  Watched only_ca(lab, fmt::format("username: monitor, sslmode: verify-ca, tls: {{{}}}", trusted));
  EXPECT_EQ(value(only_ca.round(), "quorumwatch_leaders"), 1);
  Watched stranger(lab, fmt::format("username: monitor, tls: {{ca_file: {}, {}}}",
                                    lab.certificate("other-ca.crt"), files));
  EXPECT_TRUE(reasons_in(stranger.round()).contains("certificate verify failed"))
      << reasons_in(stranger.round());
  Watched blind(lab, fmt::format("username: monitor, tls: {{insecure_skip_verify: true, {}}}", files));
  EXPECT_EQ(value(blind.round(), "quorumwatch_leaders"), 1);
  Watched plain(lab, "username: monitor");
  EXPECT_TRUE(reasons_in(plain.round()).contains("no pg_hba.conf entry")) << reasons_in(plain.round());
}

}  // namespace
}  // namespace qw::probes
