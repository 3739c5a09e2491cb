// The Kafka probe and the signals against real brokers that are broken on purpose. What really happened is
// read by librdkafka's clients and from the brokers' own logs, so that truth never comes from what is tested.
//
// QW_KAFKA_VERSION: another version of Kafka (tests/lab/kafka-jars). QW_CONTROLLER_FAULTS: kills, freezes and
// cuts of the active controller, in turn (default 3; 20 is the acceptance run).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "config/config.hpp"
#include "daemon/base/text.hpp"
#include "tests/lab/lab.hpp"
#include "tests/systems/kafka_support.hpp"
#include "tests/systems/support.hpp"

namespace qw::probes {

extern const ProbeKind kKafka;

namespace {

using namespace std::chrono_literals;

constexpr WatchedTarget::Pace kPace{.interval = 500ms, .timeout = 2s};

/// Elections that gave a leader.
double elections(const Round& round) {
  return value(round, "quorumwatch_leader_elections_total", "cause", "planned").value_or(0) +
         value(round, "quorumwatch_leader_elections_total", "cause", "unplanned").value_or(0);
}

std::string leader_of(const Round& round) {
  for (const auto& claim : round.facts.claims) {
    if (claim.claim == Claim::leader) return claim.member;
  }
  return {};
}

std::string node_of_controller(const lab::Lab& lab, const std::string& controller) {
  for (const auto& node : lab.nodes("kafka")) {
    if (node.controller() == controller) return node.name;
  }
  return {};
}

/// Changes of a controller's role in its log: the time of day in milliseconds and the role.
std::vector<std::pair<std::int64_t, std::string>> roles_of(const lab::Node& node) {
  static const std::regex change(
      "([0-9]{2}):([0-9]{2}):([0-9]{2})\\.([0-9]{3}).*Completed transition to ([A-Za-z]+).*");
  std::vector<std::pair<std::int64_t, std::string>> found;
  std::ifstream in(node.log);
  std::smatch parts;
  for (std::string line; std::getline(in, line);) {
    if (!line.contains("Completed transition to ") || !std::regex_search(line, parts, change)) continue;
    const std::int64_t seconds =
        (std::stoll(parts[1]) * 60 + std::stoll(parts[2])) * 60 + std::stoll(parts[3]);
    found.emplace_back(seconds * 1000 + std::stoll(parts[4]), parts[5]);
  }
  return found;
}

/// How often a controller came into office, as the controllers' own logs tell.
double elected(const lab::Lab& lab) {
  double count = 0;
  for (const auto& node : lab.nodes("kafka")) {
    for (const auto& [at, role] : roles_of(node)) count += role == "Leader" ? 1 : 0;
  }
  return count;
}

TEST(Kafka, TellsEveryOffsetAsAConsumerSeesIt) {
  QW_NEED_KAFKA();
  lab::Lab lab;
  begin_kafka(lab, 3);
  WatchedTarget watched(kKafka, kafka_options_of(lab), kPace);
  const Round round = watched.until(is_whole);
  const std::string truth = kafka_client(lab, "describe orders --group shop");
  EXPECT_EQ(ends_in(round), shown(truth, "end")) << truth;
  EXPECT_EQ(commits_in(round, "shop"), shown(truth, "committed"));
  const auto starts = shown(truth, "start");
  ASSERT_NE(orders_in(round), nullptr);
  for (const auto& partition : orders_in(round)->partitions) {
    EXPECT_EQ(static_cast<std::int64_t>(partition.start.value_or(99)), starts.at(partition.partition));
    EXPECT_EQ(partition.stable_end, partition.end);
  }
  EXPECT_EQ(orders_in(round)->retention, Nanoseconds(168h));
  EXPECT_EQ(round.facts.groups.at(0).state, ConsumerState::empty);
  EXPECT_EQ(value(round, "quorumwatch_kafka_brokers"), 3);
  EXPECT_EQ(value(round, "quorumwatch_kafka_partitions_leaderless"), 0);
  EXPECT_EQ(value(round, "quorumwatch_quorum_members"), 3);
  EXPECT_EQ(round.facts.round_trips.size(), 6U);
}

TEST(Kafka, FindsTheFirstMessageAfterAnInstant) {
  QW_NEED_KAFKA();
  lab::Lab lab;
  begin_kafka(lab, 1);
  const WallTime between = std::chrono::system_clock::now() + 5ms;
  kafka_client(lab, "produce orders --rate 1000 --count 60 --partition 0");
  asio::io_context io(1);
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  const SystemClock clock;
  // The signals decide what is asked; here it is asked by hand, of the probe alone.
  const config::Kind table{.system = kKafka.system, .summary = "", .read = [](config::Fields& fields) {
                             return std::any(kKafka.read(fields));
                           }};
  auto loaded = config::load_text("targets: [{system: kafka, name: lab, " + kafka_options_of(lab) + "}]",
                                  "/tmp/lab.yml", std::span(&table, 1));
  auto probe =
      std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan)(ProbeContext{.net = net, .clock = clock});
  ASSERT_TRUE(probe);
  async::TaskGroup tasks(io.get_executor(),
                         [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  const auto look = [](Probe& asked, std::vector<OffsetQuestion> questions, SteadyTime until,
                       Facts& into) -> Task<void> {
    auto round = co_await asked.ask(Question(), until);
    EXPECT_TRUE(round);
    auto facts = co_await asked.ask(Question(std::move(questions)), until);
    if (facts) into = std::move(*facts);
  };
  Facts facts;
  tasks.spawn("look", look(**probe,
                           {{"orders", 0, WallTime(0s)}, {"orders", 0, between}, {"orders", 0, between + 1h}},
                           clock.steady() + 10s, facts));
  while (tasks.size() > 0) io.run_one();
  ASSERT_EQ(facts.offsets.size(), 3U);
  EXPECT_EQ(facts.offsets[0].offset, 0U);
  EXPECT_EQ(facts.offsets[1].offset, 1000U) << "the first of the second batch";
  EXPECT_GE(facts.offsets[1].timestamp.value_or(WallTime()), between);
  EXPECT_FALSE(facts.offsets[2].offset);
}

/// A broker dies by `breaks` and comes back by `mends`; its partitions have no other copy.
void darkens_only_its_share(const std::function<Result<void>(lab::Lab&, const std::string&)>& breaks,
                            const std::function<Result<void>(lab::Lab&, const std::string&)>& mends) {
  lab::Lab lab;
  begin_kafka(lab, 1);
  WatchedTarget watched(kKafka, kafka_options_of(lab), kPace);
  const Round before = watched.until(is_whole);
  const auto truth = ends_in(before);
  const auto commits = commits_in(before, "shop");
  const std::string coordinator = before.facts.groups.at(0).coordinator;
  // A broker that leads partitions and does not coordinate the group, nor is the active controller.
  std::string victim;
  for (const auto& node : lab.nodes("kafka")) {
    if (node.endpoint() != coordinator && node.controller() != leader_of(before)) victim = node.name;
  }
  const std::string member = lab.node(victim).endpoint();
  ASSERT_TRUE(breaks(lab, victim));
  for (int i = 0; i < 8; ++i) {
    const Round dark = watched.round();
    EXPECT_TRUE(dark.success);
    EXPECT_LT(dark.finished - dark.started, kPace.timeout);
    const auto ends = ends_in(dark);
    EXPECT_EQ(ends.size(), 4U) << "two of six partitions are its own" << reasons_in(dark);
    for (const auto& [partition, end] : ends) EXPECT_EQ(end, truth.at(partition));
    EXPECT_EQ(commits_in(dark, "shop"), commits);
    EXPECT_EQ(std::ranges::count(dark.facts.unanswered, member, &Unanswered::member), 1);
    EXPECT_EQ(value(dark, "quorumwatch_kafka_broker_up", "member", member), 0);
    EXPECT_EQ(value(dark, "quorumwatch_kafka_broker_up"), 2);
  }
  ASSERT_TRUE(mends(lab, victim));
  // From when the brokers themselves count it in again and lead everything, one round may still lack
  // something.
  const auto is_back = [&](const Round& round) {
    return value(round, "quorumwatch_kafka_brokers") == 3 &&
           value(round, "quorumwatch_kafka_partitions_leaderless") == 0 &&
           value(round, "quorumwatch_kafka_broker_up", "member", member) == 1;
  };
  watched.until(is_back);
  const Round second = watched.round();
  EXPECT_EQ(ends_in(second), truth) << reasons_in(second);
}

TEST(Kafka, AKilledBrokerDarkensOnlyItsShare) {
  QW_NEED_KAFKA();
  darkens_only_its_share([](lab::Lab& lab, const std::string& node) { return lab.kill(node); },
                         [](lab::Lab& lab, const std::string& node) { return lab.start(node); });
}

TEST(Kafka, AFrozenBrokerDarkensOnlyItsShare) {
  QW_NEED_KAFKA();
  darkens_only_its_share([](lab::Lab& lab, const std::string& node) { return lab.stop(node); },
                         [](lab::Lab& lab, const std::string& node) { return lab.cont(node); });
}

TEST(Kafka, CountsEachElectionOfAControllerOnce) {
  QW_NEED_KAFKA();
  lab::Lab lab;
  begin_kafka(lab, 3);
  WatchedTarget watched(kKafka, kafka_options_of(lab) + ", quorum_fetch_timeout: 1s",
                        {.interval = 200ms, .timeout = 500ms});
  Round now = watched.until(is_whole);
  const double elected_before = elected(lab) - elections(now);
  const char* const wanted = std::getenv("QW_CONTROLLER_FAULTS");
  const auto faults = parse_uint64(wanted == nullptr ? "" : wanted).value_or(3);
  for (std::uint64_t fault = 0; fault < faults; ++fault) {
    const bool kills = fault % 3 == 0;
    const bool stops = fault % 3 == 1;
    const std::string old = leader_of(now);
    const std::string victim = node_of_controller(lab, old);
    ASSERT_TRUE(kills ? lab.kill(victim) : stops ? lab.stop(victim) : lab.cut(victim));
    watched.until([&](const Round& round) {
      EXPECT_NE(value(round, "quorumwatch_split_brain", "kind", "unfenced"), 1);
      const std::string leader = leader_of(round);
      return !leader.empty() && leader != old;
    });
    ASSERT_TRUE(kills ? lab.start(victim) : stops ? lab.cont(victim) : lab.heal());
    // On a loaded machine they also elect of their own accord, perhaps just after a round.
    double told = 0;
    double truth = 0;
    now = watched.until([&](const Round& round) {
      told = elections(round);
      truth = elected(lab) - elected_before;
      return is_whole(round) && told == truth;
    });
    EXPECT_EQ(told, truth) << "fault " << fault;
  }
  EXPECT_EQ(value(now, "quorumwatch_split_brain_overlaps_total", "kind", "unfenced").value_or(0), 0);
}

TEST(Kafka, ProvesTheOverlapOfAControllerThatIsCutOff) {
  QW_NEED_KAFKA();
  lab::Lab lab;
  // The old leader resigns one and a half time-outs after the cut, the new one comes after one.
  const auto up = lab.up({"kafka", "--fast", "--set", "controller.quorum.fetch.timeout.ms=3000"});
  ASSERT_TRUE(up) << up.error().message();
  WatchedTarget watched(kKafka, kafka_options_of(lab) + ", quorum_fetch_timeout: 3s",
                        {.interval = 100ms, .timeout = 400ms});
  const Round before = watched.until([](const Round& round) {
    return round.facts.claims.size() == 3 && value(round, "quorumwatch_leaders") == 1;
  });
  const auto old = lab.node(node_of_controller(lab, leader_of(before)));
  const std::size_t roles_before = roles_of(old).size();
  const auto leaders_before = elected(lab);
  ASSERT_TRUE(lab.cut(old.name));
  int overlapping = 0;
  const Round after = watched.until([&](const Round& round) {
    EXPECT_NE(value(round, "quorumwatch_split_brain", "kind", "unfenced"), 1);
    overlapping += value(round, "quorumwatch_leaders") == 2 ? 1 : 0;
    const std::string leader = leader_of(round);
    return overlapping > 0 && !leader.empty() && value(round, "quorumwatch_leaders") == 1;
  });
  ASSERT_EQ(elected(lab), leaders_before + 1);
  // When the new one came into office and the old one left it, by their own logs.
  std::int64_t came = 0;
  for (const auto& node : lab.nodes("kafka")) {
    for (const auto& [at, role] : roles_of(node)) {
      if (role == "Leader" && node.name != old.name) came = std::max(came, at);
    }
  }
  const auto roles = roles_of(old);
  ASSERT_GT(roles.size(), roles_before);
  const double truth = static_cast<double>(roles[roles_before].first - came) / 1000;
  const double lower = value(after, "quorumwatch_split_brain_overlap_seconds", "bound", "lower").value_or(-1);
  const double upper = value(after, "quorumwatch_split_brain_overlap_seconds", "bound", "upper").value_or(-1);
  EXPECT_GT(lower, 0.1);
  // The logs count whole milliseconds, and a role is logged just after it is taken.
  EXPECT_LE(lower, truth + 0.05);
  EXPECT_GE(upper, truth - 0.05);
  EXPECT_LE(upper - lower, 0.6);
  EXPECT_EQ(value(after, "quorumwatch_split_brain_overlaps_total", "kind", "fenced"), 1);
  ASSERT_TRUE(lab.heal());
}

/// An unsecured token, as Kafka's own handler for tests takes it.
std::string unsecured_token() {
  const auto encode = [](const std::string& text) {
    return std::string(trim(shell("printf %s '" + text + "' | base64 -w0 | tr '+/' '-_' | tr -d =")));
  };
  const auto now = std::chrono::system_clock::now().time_since_epoch() / 1s;
  return encode(R"({"alg":"none"})") + "." +
         encode(fmt::format(R"({{"sub":"monitor","iat":{},"exp":{}}})", now - 10, now + 3600)) + ".";
}

TEST(Kafka, TheCanaryComesThroughTheDeathOfABroker) {
  QW_NEED_KAFKA();
  // librdkafka is not instrumented: what its threads hand over looks like a race.
  if (__has_feature(thread_sanitizer)) GTEST_SKIP() << "librdkafka is not built for the thread sanitizer";
  lab::Lab lab;
  const auto up = lab.up({"kafka", "--fast"});
  ASSERT_TRUE(up) << up.error().message();
  kafka_client(lab, "topic create canary --partitions 3 --copies 3");
  std::optional<WatchedTarget> target;
  auto& watched =
      target.emplace(kKafka, kafka_options_of(lab) + ", canary: {topic: canary, interval: 50ms}", kPace);
  const auto received = [](const Round& round) {
    return value(round, "quorumwatch_kafka_canary_received_total").value_or(0);
  };
  watched.until([&](const Round& round) { return received(round) >= 10; });
  ASSERT_TRUE(lab.kill("kafka-2"));
  const Round dead = watched.until([](const Round& round) { return !round.facts.unanswered.empty(); });
  const Round later =
      watched.until([&](const Round& round) { return received(round) >= received(dead) + 100; });
  EXPECT_EQ(value(later, "quorumwatch_kafka_canary_lost_total"), 0);
  EXPECT_EQ(value(later, "quorumwatch_kafka_canary_duplicated_total"), 0);
  EXPECT_EQ(value(later, "quorumwatch_kafka_canary_reordered_total"), 0);
  EXPECT_LT(value(later, "quorumwatch_kafka_canary_latency_seconds").value_or(99), 5);
  target.reset();
  EXPECT_TRUE(kKafka.threads_ended(10s));
}

TEST(Kafka, LogsInByEveryMechanismOverTls) {
  QW_NEED_KAFKA();
  lab::Lab lab;
  const auto up = lab.up({"kafka", "--nodes", "1", "--sasl", "--tls"});
  ASSERT_TRUE(up) << up.error().message();
  const auto file = [&lab](const std::string& name, const std::string& content) {
    std::ofstream(lab.directory() / name) << content;
    return (lab.directory() / name).string();
  };
  const std::string password = "username: monitor, password_file: " + file("password", "lab-monitor");
  const std::string tls = ", tls: {ca_file: " + lab.certificate("ca.crt") + "}";
  for (const std::string mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}) {
    const bool bearer = mechanism == "OAUTHBEARER";
    const std::string how = bearer ? "token_file: " + file("token", unsecured_token()) : password;
    WatchedTarget watched(
        kKafka, fmt::format("{}{}, sasl: {{mechanism: {}, {}}}", kafka_options_of(lab), tls, mechanism, how),
        {.interval = 500ms, .timeout = 5s});
    const Round round = watched.round();
    EXPECT_TRUE(round.facts.unanswered.empty()) << mechanism << reasons_in(round);
    EXPECT_EQ(value(round, "quorumwatch_kafka_broker_up"), 1) << mechanism;
    EXPECT_EQ(value(round, "quorumwatch_leaders"), 1) << mechanism;
  }
  for (const std::string mechanism : {"PLAIN", "SCRAM-SHA-512"}) {
    WatchedTarget stranger(kKafka,
                           fmt::format("{}{}, sasl: {{mechanism: {}, username: monitor, password_file: {}}}",
                                       kafka_options_of(lab), tls, mechanism, file("wrong", "wrong-word")),
                           {.interval = 500ms, .timeout = 5s});
    const Round refused = stranger.round();
    EXPECT_FALSE(refused.success);
    ASSERT_FALSE(refused.facts.unanswered.empty());
    EXPECT_EQ(refused.facts.unanswered[0].error.kind(), ErrorKind::rejected) << reasons_in(refused);
    EXPECT_FALSE(refused.reason.contains("wrong-word"));
  }
  WatchedTarget plain(kKafka, kafka_options_of(lab), {.interval = 500ms, .timeout = 1s});
  EXPECT_FALSE(plain.round().success) << "a TLS listener that is spoken to without TLS";
}

}  // namespace
}  // namespace qw::probes
