// The Redis probe and the signals against real servers and Sentinels that are broken on purpose. What really
// happened is read with redis-cli, so that truth never comes from what is tested.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <functional>
#include <map>
#include <regex>

#include "daemon/base/text.hpp"
#include "tests/lab/lab.hpp"
#include "tests/systems/support.hpp"

namespace qw::probes {

extern const ProbeKind kRedis;

namespace {

using namespace std::chrono_literals;

constexpr WatchedTarget::Pace kPace{.interval = 200ms, .timeout = 1s};

std::optional<double> of_member(const Round& round, std::string_view family, std::string_view member) {
  return value(round, family, "member", member);
}

std::optional<double> split_brain(const Round& round) {
  return value(round, "quorumwatch_split_brain", "kind", "unfenced");
}

double elections(const Round& round) {
  return value(round, "quorumwatch_leader_elections_total").value_or(-1);
}

const LeadershipClaim* claim_of(const Round& round, std::string_view member) {
  const auto found = std::ranges::find(round.facts.claims, member, &LeadershipClaim::member);
  return found == round.facts.claims.end() ? nullptr : &*found;
}

const Unanswered* unanswered_by(const Round& round, std::string_view member) {
  const auto found = std::ranges::find(round.facts.unanswered, member, &Unanswered::member);
  return found == round.facts.unanswered.end() ? nullptr : &*found;
}

/// Every position that was told, in one text.
std::string positions(const Round& round) {
  std::string text;
  for (const auto& one : round.facts.positions) {
    text += fmt::format("{} by {}: {} in {}, data until {}, forked at {}\n", one.member, one.reported_by,
                        one.position, one.lineage, one.data_until.value_or(0),
                        one.forked_from ? one.forked_from->position : 0);
  }
  return text;
}

std::string cli(const lab::Node& node, std::string_view command) {
  return shell(fmt::format("redis-cli -h {} -p {} {}", node.address, node.port, command));
}

/// A number of INFO replication, as redis-cli shows it.
std::int64_t shown(const lab::Node& node, const std::string& key) {
  const std::string info = cli(node, "info replication");
  std::smatch found;
  return std::regex_search(info, found, std::regex(key + ":(-?[0-9]+)")) ? std::stoll(found[1]) : -2;
}

/// The config epoch of the master as a Sentinel tells it: what counts the fail-overs, failed attempts among
/// them.
double config_epoch(const lab::Node& sentinel) {
  const std::string master = cli(sentinel, "sentinel master mymaster");
  std::smatch found;
  return std::regex_search(master, found, std::regex("config-epoch\n([0-9]+)")) ? std::stod(found[1]) : -1;
}

bool leads(const lab::Node& node) {
  return cli(node, "role").starts_with("master");
}

std::string list(const std::vector<std::string>& members) {
  std::string text;
  for (const auto& member : members) text += (text.empty() ? "" : ", ") + member;
  return "[" + text + "]";
}

/// A target as the daemon makes it from its configuration; each round is measured when it is asked for.
class Watched : public WatchedTarget {
 public:
  explicit Watched(const std::string& options, const std::filesystem::path& folder = "/tmp")
      : WatchedTarget(kRedis, options, kPace, folder) {}
  Round until(const std::function<bool(const Round&)>& wanted, Nanoseconds limit = 20s) {
    return WatchedTarget::until(wanted, limit);
  }
};

std::string members_of(const lab::Lab& lab) {
  return fmt::format("members: {}, sentinels: {}", list(lab.endpoints("redis")),
                     list(lab.endpoints("sentinel")));
}

std::string file(const lab::Lab& lab, const std::string& name, const std::string& content) {
  std::ofstream(lab.directory() / name) << content;
  return (lab.directory() / name).string();
}

bool is_healthy(const Round& round) {
  return value(round, "quorumwatch_leaders") == 1 && value(round, "quorumwatch_leader_views") == 1 &&
         round.facts.unanswered.empty();
}

TEST(Redis, SeesAHealthyClusterAsItIs) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"redis"});
  ASSERT_TRUE(up) << up.error().message();
  Watched watched(members_of(lab));
  watched.until(is_healthy);
  const Round round = watched.round();

  const std::string primary = lab.node("redis-1").endpoint();
  EXPECT_TRUE(round.success);
  EXPECT_EQ(value(round, "quorumwatch_leaders"), 1);
  EXPECT_EQ(value(round, "quorumwatch_leader_views"), 1);
  EXPECT_EQ(value(round, "quorumwatch_quorum_members"), 3);
  EXPECT_EQ(value(round, "quorumwatch_quorum_failures_tolerated"), 1);
  EXPECT_EQ(value(round, "quorumwatch_split_brain"), 0);
  EXPECT_EQ(value(round, "quorumwatch_leader_elections_total"), 0);
  EXPECT_EQ(of_member(round, "quorumwatch_leader_claim", primary), 1);
  for (const std::string name : {"redis-2", "redis-3"}) {
    const std::string replica = lab.node(name).endpoint();
    EXPECT_EQ(of_member(round, "quorumwatch_leader_claim", replica), 0);
    EXPECT_EQ(claim_of(round, replica)->follows, primary);
    EXPECT_EQ(of_member(round, "quorumwatch_replication_link_up", replica), 1);
    EXPECT_LT(of_member(round, "quorumwatch_replication_lag_seconds", replica).value_or(99), 0.5);
  }
  for (const std::string& sentinel : lab.endpoints("sentinel")) {
    EXPECT_EQ(claim_of(round, sentinel)->follows, primary);
    EXPECT_FALSE(of_member(round, "quorumwatch_leader_claim", sentinel)) << "a Sentinel can not lead";
    EXPECT_EQ(of_member(round, "quorumwatch_sentinel_tilt", sentinel), 0);
    EXPECT_EQ(of_member(round, "quorumwatch_sentinel_quorum", sentinel), 2);
    EXPECT_EQ(of_member(round, "quorumwatch_sentinel_quorum_reachable", sentinel), 1);
    EXPECT_EQ(of_member(round, "quorumwatch_sentinel_master_down", sentinel), 0);
  }
  EXPECT_EQ(round.facts.round_trips.size(), 6u);
  EXPECT_EQ(round.facts.clocks.size(), 6u);
  for (const auto& clock : round.facts.clocks) {
    EXPECT_LE(clock.remote, clock.local_received) << clock.member << " runs on our own clock";
    EXPECT_GE(clock.remote + clock.resolution, clock.local_sent) << clock.member;
  }
  EXPECT_EQ(round.facts.traits.failure_detection, 1s) << "read from the Sentinels";
}

TEST(Redis, CountsAForcedFailOverOnceAndSeesNoSplitBrainInIt) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"redis"});
  ASSERT_TRUE(up) << up.error().message();
  const auto old = lab.node("redis-1");
  cli(old, "set before 1");
  Watched watched(members_of(lab));
  const Round before = watched.until(is_healthy);

  cli(lab.node("sentinel-2"), "sentinel failover mymaster");
  int two_leaders = 0;
  double most = 0;
  const Round after = watched.until(
      [&](const Round& round) {
        two_leaders += value(round, "quorumwatch_leaders") == 2 ? 1 : 0;
        most = std::max(most, elections(round));
        EXPECT_EQ(split_brain(round), 0)
            << "diverged " << value(round, "quorumwatch_split_brain_diverged_bytes").value_or(-1);
        return elections(round) > 0 && is_healthy(round) &&
               claim_of(round, old.endpoint())->claim == Claim::not_leader;
      },
      40s);
  EXPECT_GT(two_leaders, 0) << "the old master stays in office for a while: the trap that this is about";
  EXPECT_EQ(elections(after), elections(before) + 1);
  EXPECT_EQ(most, elections(before) + 1);
  EXPECT_EQ(value(after, "quorumwatch_leader_elections_total", "cause", "planned"), 1);
  EXPECT_EQ(value(after, "quorumwatch_leader_epoch"), value(before, "quorumwatch_leader_epoch").value() + 1);
  EXPECT_EQ(value(after, "quorumwatch_leader_views"), 1);
  EXPECT_EQ(value(after, "quorumwatch_split_brain_overlaps_total", "kind", "unfenced"), 0);
  EXPECT_FALSE(watched.on_call().paged_for_a_split());
}

TEST(Redis, ProvesTheSplitBrainOfAnIsolatedPrimaryAndMeasuresWhatIsLost) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"redis", "--fast"});
  ASSERT_TRUE(up) << up.error().message();
  const auto old = lab.node("redis-1");
  Watched watched(members_of(lab));
  watched.until(is_healthy);

  ASSERT_TRUE(lab.cut("redis-1"));
  const auto promoted = [&lab] {
    for (const std::string name : {"redis-2", "redis-3"}) {
      if (leads(lab.node(name))) return std::optional(lab.node(name));
    }
    return std::optional<lab::Node>();
  };
  watched.until([&](const Round&) { return promoted().has_value(); });
  const auto fresh = promoted();
  ASSERT_TRUE(fresh);
  // Nothing is lost so far, and two leaders are what every fail-over has for a while.
  const Round overlapping = watched.round();
  EXPECT_EQ(split_brain(overlapping), 0) << positions(overlapping) << cli(old, "info persistence")
                                         << cli(old, "info replication") << cli(*fresh, "info replication");
  EXPECT_EQ(cli(old, "set lost 1"), "OK\n") << "it still takes writes, and the monitor still reaches it";

  const SteadyTime wrote = std::chrono::steady_clock::now();
  const Round split = watched.until([](const Round& round) { return split_brain(round) == 1; }, 5s);
  EXPECT_LT(std::chrono::steady_clock::now() - wrote, 2s) << "the write is what proves it, not the time";
  EXPECT_EQ(value(split, "quorumwatch_leaders"), 2);
  EXPECT_TRUE(watched.on_call().paged("QuorumwatchSplitBrain"));

  // The Sentinel on the old side keeps publishing, so the truth is taken before and after, until it stands
  // still.
  const auto lost = [&] {
    return shown(old, "master_repl_offset") - (shown(*fresh, "second_repl_offset") - 1);
  };
  bool compared = false;
  for (int i = 0; i < 100 && !compared; ++i) {
    const auto earlier = lost();
    const Round round = watched.round();
    if (earlier != lost()) continue;
    EXPECT_EQ(value(round, "quorumwatch_split_brain_diverged_bytes"), static_cast<double>(earlier));
    EXPECT_GT(earlier, 0);
    compared = true;
  }
  EXPECT_TRUE(compared);
  const Round cut = watched.round();
  EXPECT_EQ(of_member(cut, "quorumwatch_sentinel_quorum_reachable", lab.node("sentinel-1").endpoint()), 0);
  EXPECT_EQ(of_member(cut, "quorumwatch_sentinel_quorum_reachable", lab.node("sentinel-2").endpoint()), 1);

  ASSERT_TRUE(lab.heal());
  const Round healed =
      watched.until([](const Round& round) { return is_healthy(round) && split_brain(round) == 0; }, 40s);
  // On a slow machine the Sentinels may need a second attempt; every epoch counts once.
  EXPECT_EQ(elections(healed), config_epoch(lab.node("sentinel-2")));
  EXPECT_EQ(cli(*fresh, "get lost"), "\n") << "the write is lost, as was said";
}

TEST(Redis, ShowsTheGrowingLagOfAReplicaThatIsCutOff) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"redis", "--replicas", "2", "--sentinels", "0", "--set", "repl-timeout=3", "--set",
                          "repl-ping-replica-period=1"});
  ASSERT_TRUE(up) << up.error().message();
  const auto primary = lab.node("redis-1");
  const std::string cut = lab.node("redis-2").endpoint();
  const std::string good = lab.node("redis-3").endpoint();
  Watched watched(fmt::format("members: {}", list(lab.endpoints("redis"))));
  watched.until(
      [&](const Round& round) { return of_member(round, "quorumwatch_replication_lag_bytes", cut) == 0; });

  ASSERT_TRUE(lab.run({"cut", "redis-2", "--from", "redis-1"}));
  cli(primary, "set key value");
  double last = 0;
  int behind = 0;
  const Round down = watched.until([&](const Round& round) {
    const auto lag = of_member(round, "quorumwatch_replication_lag_seconds", cut);
    EXPECT_TRUE(lag) << "unknown is not what a cut replica is: its position is known";
    EXPECT_GT(lag.value_or(0), last) << "it grows from round to round";
    last = lag.value_or(0);
    cli(primary, "incr counter");
    ++behind;
    return behind > 20 && of_member(round, "quorumwatch_replication_link_up", cut) == 0;
  });
  EXPECT_GT(last, 3.0);
  EXPECT_GT(of_member(down, "quorumwatch_replication_lag_bytes", cut).value_or(0), 500);
  EXPECT_EQ(claim_of(down, cut)->follows, primary.endpoint());
  EXPECT_EQ(of_member(down, "quorumwatch_replication_link_up", good), 1);
  EXPECT_LT(of_member(down, "quorumwatch_replication_lag_seconds", good).value_or(99), 1.0);
  EXPECT_EQ(value(down, "quorumwatch_split_brain"), 0);

  ASSERT_TRUE(lab.heal());
  const Round healed = watched.until([&](const Round& round) {
    return of_member(round, "quorumwatch_replication_link_up", cut) == 1 &&
           of_member(round, "quorumwatch_replication_lag_bytes", cut) == 0;
  });
  EXPECT_LT(of_member(healed, "quorumwatch_replication_lag_seconds", cut).value_or(99), 0.5);
}

TEST(Redis, KnowsOfAStoppedReplicaWhatItsMasterKnows) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"redis", "--replicas", "1", "--sentinels", "0"});
  ASSERT_TRUE(up) << up.error().message();
  const auto primary = lab.node("redis-1");
  const std::string replica = lab.node("redis-2").endpoint();
  Watched watched(fmt::format("members: {}", list(lab.endpoints("redis"))));
  cli(primary, "set key value");
  // A replica acknowledges once a second; until it has, its master knows no position of it.
  watched.until([&](const Round& round) {
    return of_member(round, "quorumwatch_replication_lag_bytes", replica) == 0 &&
           std::ranges::any_of(round.facts.positions, [&](const ReplicaPosition& position) {
             return position.member == replica && position.reported_by == primary.endpoint();
           });
  });

  ASSERT_TRUE(lab.stop("redis-2"));
  cli(primary, "set key other");
  const Round first =
      watched.until([&](const Round& round) { return unanswered_by(round, replica) != nullptr; });
  const Round second = watched.round();
  EXPECT_EQ(unanswered_by(second, replica)->error.kind(), ErrorKind::timeout);
  EXPECT_FALSE(of_member(second, "quorumwatch_leader_claim", replica)) << "unknown, not 0";
  EXPECT_GT(of_member(second, "quorumwatch_replication_lag_seconds", replica).value_or(0),
            of_member(first, "quorumwatch_replication_lag_seconds", replica).value_or(99));
  EXPECT_GT(of_member(second, "quorumwatch_replication_lag_bytes", replica).value_or(0), 0);

  ASSERT_TRUE(lab.cont("redis-2"));
  watched.until([&](const Round& round) {
    return !unanswered_by(round, replica) &&
           of_member(round, "quorumwatch_replication_lag_bytes", replica) == 0;
  });
}

/// The rights that the probe's own documentation asks for: "(ACL: +ping ...)", first of the data nodes, then
/// of the Sentinels.
std::vector<std::string> documented_rights() {
  const std::string asks(kRedis.asks);
  const std::regex rights(R"(\(ACL: ([^)]*)\))");
  std::vector<std::string> found;
  for (std::sregex_iterator it(asks.begin(), asks.end(), rights), end; it != end; ++it)
    found.push_back((*it)[1]);
  return found;
}

TEST(Redis, NeedsNoMoreRightsThanItDocumentsAndNeverShowsItsPassword) {
  QW_NEED_LAB();
  const auto rights = documented_rights();
  ASSERT_EQ(rights.size(), 2u);
  lab::Lab lab;
  const auto up =
      lab.up({"redis", "--replicas", "1", "--acl", "monitor on >Zu-Geheim4711 " + rights[0], "--sentinel-acl",
              "watcher on >Auch-Geheim42 " + rights[1], "--password", "Master-Geheim1"});
  ASSERT_TRUE(up) << up.error().message();
  const std::string good = file(lab, "good", "Zu-Geheim4711\n");
  const std::string bad = file(lab, "bad", "Zu-Geheim4712\n");
  const std::string sentinels = file(lab, "sentinels", "Auch-Geheim42");
  const std::string master = file(lab, "master", "Master-Geheim1");

  Watched watched(members_of(lab) +
                  fmt::format(", username: monitor, password_file: {}, sentinel_username: watcher, "
                              "sentinel_password_file: {}",
                              good, sentinels));
  // Two positions of their own, and one that the master sees once the replica has acknowledged something.
  const Round round =
      watched.until([](const Round& r) { return is_healthy(r) && r.facts.positions.size() == 3; });
  EXPECT_EQ(reasons_in(round), "");
  EXPECT_EQ(round.facts.clocks.size(), 5u);
  EXPECT_EQ(value(round, "quorumwatch_sentinel_quorum_reachable"), 3);

  Watched wrong(
      fmt::format("members: {}, username: monitor, password_file: {}", list(lab.endpoints("redis")), bad));
  const Round refused = wrong.round();
  EXPECT_FALSE(refused.success);
  ASSERT_EQ(refused.facts.unanswered.size(), 2u);
  EXPECT_EQ(
      refused.facts.unanswered[0].error,
      Error(ErrorKind::rejected, "AUTH: WRONGPASS invalid username-password pair or user is disabled."));
  EXPECT_EQ(reasons_in(refused).find("Geheim"), std::string::npos);

  Watched without(fmt::format("members: {}", list(lab.endpoints("redis"))));
  EXPECT_EQ(without.round().facts.unanswered.at(0).error,
            Error(ErrorKind::rejected, "INFO: NOAUTH Authentication required."));

  Watched by_password(fmt::format("members: {}, password_file: {}", list(lab.endpoints("redis")), master));
  EXPECT_EQ(reasons_in(by_password.round()), "");
}

TEST(Redis, SpeaksTlsWithACertificateOfItsOwn) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"redis", "--replicas", "1", "--client-cert"});
  ASSERT_TRUE(up) << up.error().message();
  const auto tls = [&lab](std::string_view ca, std::string_view client) {
    std::string options =
        members_of(lab) + fmt::format(", tls: {{ca_file: {}", lab.certificate(std::string(ca)));
    if (!client.empty()) {
      options += fmt::format(", cert_file: {}, key_file: {}", lab.certificate(fmt::format("{}.crt", client)),
                             lab.certificate(fmt::format("{}.key", client)));
    }
    return options + "}";
  };
  Watched watched(tls("ca.crt", "client"));
  const Round round = watched.until(is_healthy);
  EXPECT_EQ(reasons_in(round), "");

  for (const std::string_view client : {"", "client-other-ca", "client-expired"}) {
    Watched refused(tls("ca.crt", client));
    const Round none = refused.round();
    EXPECT_FALSE(none.success) << client;
    ASSERT_EQ(none.facts.unanswered.size(), 5u) << client;
    for (const auto& one : none.facts.unanswered) {
      EXPECT_EQ(one.error.kind(), ErrorKind::rejected) << client << ": " << one.error.message();
    }
  }
  Watched stranger(tls("client-other-ca.crt", "client"));
  EXPECT_EQ(stranger.round().facts.unanswered.at(0).error.kind(), ErrorKind::rejected);
}

TEST(Redis, RefusesAServerWhoseCertificateIsNotItsOwn) {
  QW_NEED_LAB();
  for (const std::string certificate : {"server-expired", "server-wrong-name"}) {
    lab::Lab lab;
    const auto up =
        lab.up({"redis", "--replicas", "0", "--sentinels", "0", "--tls", "--server-cert", certificate});
    ASSERT_TRUE(up) << up.error().message();
    const std::string members = fmt::format("members: {}", list(lab.endpoints("redis")));
    Watched strict(members + fmt::format(", tls: {{ca_file: {}}}", lab.certificate("ca.crt")));
    const Round refused = strict.round();
    ASSERT_EQ(refused.facts.unanswered.size(), 1u) << certificate;
    EXPECT_EQ(refused.facts.unanswered[0].error.kind(), ErrorKind::rejected) << reasons_in(refused);
    Watched lenient(members + ", tls: {insecure_skip_verify: true}");
    EXPECT_TRUE(lenient.round().success) << certificate;
  }
}

}  // namespace
}  // namespace qw::probes
