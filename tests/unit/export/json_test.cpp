#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <limits>

#include "daemon/export/site.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

namespace json = boost::json;

constexpr MetricFamily kLag{"quorumwatch_replication_lag_seconds", MetricType::gauge, "Seconds behind.",
                            "member"};
constexpr MetricFamily kAlarm{"quorumwatch_etcd_alarm", MetricType::gauge, "An alarm.", "alarm"};

/// A round with one fact of each kind.
Round full_round() {
  RoundBuilder target("etcd", "control-plane");
  target.add(kLag, 1.5, {{"member", "m1"}}).add(kLag, std::nan(""), {{"member", "m2"}});
  Round round = *target.build();
  const SteadyTime start(std::chrono::seconds(500));
  const Asked asked{.sent = start + std::chrono::milliseconds(1),
                    .received = start + std::chrono::milliseconds(3)};
  round.number = 7;
  round.started = start;
  round.finished = start + std::chrono::milliseconds(250);
  round.at = WallTime(std::chrono::milliseconds(1'700'000'000'125));
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  auto& facts = round.facts;
  facts.claims.push_back({.member = "m1",
                          .asked = asked,
                          .claim = Claim::leader,
                          .tenure = {.lineage = "c1", .epoch = kMax, .token = ""},
                          .follows = std::nullopt});
  facts.memberships.push_back({.member = "m1", .asked = asked, .lineage = "c1", .voters = 3, .learners = 1});
  facts.positions.push_back({.member = "m1",
                             .reported_by = "m1",
                             .asked = asked,
                             .role = Role::leader,
                             .lineage = "c1",
                             .position = kMax,
                             .unit = PositionUnit::entries,
                             .link = Link::up,
                             .forked_from = Fork{.lineage = "c0", .position = 9007199254740993}});
  ConsumerGroup group;
  group.name = "g";
  group.asked = asked;
  group.coordinator = "m1";
  group.state = ConsumerState::stable;
  group.members = 2;
  group.topics.push_back({.topic = "t", .commits = {{.partition = 4, .committed = 10}}, .assigned = {4}});
  facts.groups.push_back(group);
  TopicLog log;
  log.topic = "t";
  log.partitions.push_back(
      {.partition = 4, .end = kMax, .stable_end = std::nullopt, .start = 3, .asked_end = asked});
  facts.topics.push_back(log);
  facts.round_trips.push_back({.member = "m1",
                               .method = "http",
                               .asked = asked,
                               .value = std::chrono::milliseconds(2),
                               .error = std::nullopt});
  ClockReading clock;
  clock.member = "m1";
  clock.source = "http_date";
  clock.asked = asked;
  clock.local_sent = round.at;
  clock.local_received = round.at + std::chrono::milliseconds(2);
  clock.remote = WallTime(std::chrono::seconds(1'700'000'000));
  clock.resolution = std::chrono::seconds(1);
  facts.clocks.push_back(clock);
  facts.readings.push_back({.family = &kAlarm, .labels = {{"alarm", "NOSPACE"}}, .value = 1});
  facts.unanswered.push_back(
      {.member = "m2", .asked = asked, .error = Error(ErrorKind::refused, "bad \xff byte")});
  return round;
}

TEST(RoundJson, HasEveryFactWithAllItsDigits) {
  const auto read = json::parse(round_json(full_round()));
  EXPECT_EQ(read.at("system"), "etcd");
  EXPECT_EQ(read.at("round"), 7);
  EXPECT_EQ(read.at("at"), "2023-11-14T22:13:20.125Z");
  EXPECT_EQ(read.at("duration_seconds"), 0.25);
  const auto& facts = read.at("facts");
  const auto& claim = facts.at("claims").at(0);
  EXPECT_EQ(claim.at("claim"), "leader");
  EXPECT_EQ(claim.at("epoch"), "18446744073709551615");
  EXPECT_TRUE(claim.at("follows").is_null());
  EXPECT_EQ(claim.at("sent_seconds"), 0.001);
  EXPECT_EQ(claim.at("received_seconds"), 0.003);
  EXPECT_EQ(facts.at("memberships").at(0).at("voters").to_number<int>(), 3);
  const auto& position = facts.at("positions").at(0);
  EXPECT_EQ(position.at("position"), "18446744073709551615");
  EXPECT_EQ(position.at("forked_from").at("position"), "9007199254740993");
  const auto& commit = facts.at("groups").at(0).at("topics").at(0).at("commits").at(0);
  EXPECT_EQ(commit.at("committed"), "10");
  EXPECT_TRUE(commit.at("assigned").as_bool());
  const auto& log = facts.at("topics").at(0).at("partitions").at(0);
  EXPECT_EQ(log.at("end"), "18446744073709551615");
  EXPECT_TRUE(log.at("stable_end").is_null()) << "unknown is not 0";
  EXPECT_EQ(facts.at("round_trips").at(0).at("seconds"), 0.002);
  EXPECT_TRUE(facts.at("round_trips").at(0).at("error_seconds").is_null());
  const auto& clock = facts.at("clocks").at(0);
  EXPECT_DOUBLE_EQ(clock.at("offset_lower_seconds").as_double(), -0.127);
  EXPECT_DOUBLE_EQ(clock.at("offset_upper_seconds").as_double(), 0.875);
  EXPECT_EQ(facts.at("readings").at(0).at("labels").at("alarm"), "NOSPACE");
  const auto& unanswered = facts.at("unanswered").at(0);
  EXPECT_EQ(unanswered.at("kind"), "refused");
  EXPECT_EQ(unanswered.at("reason"), "bad \xef\xbf\xbd byte");
}

TEST(RoundJson, ASampleThatIsNoNumberIsNull) {
  const auto read = json::parse(round_json(full_round()));
  const auto& samples = read.at("samples").as_array();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].at("name"), "quorumwatch_replication_lag_seconds");
  EXPECT_EQ(samples[0].at("labels").at("member"), "m1");
  EXPECT_EQ(samples[0].at("value"), 1.5);
  EXPECT_TRUE(samples[1].at("value").is_null());
}

constexpr MetricFamily kRtt{"quorumwatch_rtt_seconds", MetricType::gauge, "Round trip.", "member method"};
constexpr MetricFamily kLoss{"quorumwatch_rtt_loss_ratio", MetricType::gauge, "Loss.", "member method"};
constexpr MetricFamily kSamples{"quorumwatch_rtt_loss_samples", MetricType::gauge, "Packets.",
                                "member method"};
constexpr MetricFamily kConfirmed{"quorumwatch_rtt_loss_confirmed", MetricType::gauge, "Verdict.",
                                  "member method direction"};

/// A mesh of one node that loses packets, and of which one has come back.
Round mesh_round() {
  RoundBuilder target("nodes", "mesh");
  target.add(kRtt, 0.00012, {{"member", "<n1>"}, {"method", "stamp"}})
      .add(kLoss, 0.02, {{"member", "<n1>"}, {"method", "stamp"}})
      .add(kSamples, 500, {{"member", "<n1>"}, {"method", "stamp"}})
      .add(kConfirmed, 1, {{"member", "<n1>"}, {"method", "stamp"}, {"direction", "forward"}});
  Round round = *target.build();
  PacketTrain train;
  train.member = "<n1>";
  train.method = "stamp";
  train.path = "10.0.0.1#2";
  train.sent = 50;
  train.received = 49;
  train.lost_forward = 1;
  train.lost_backward = 0;
  round.facts.trains.push_back(train);
  for (int i = 0; i < 600; ++i) {
    round.facts.round_trips.push_back({.member = "<n1>",
                                       .method = "stamp",
                                       .asked = {},
                                       .value = std::chrono::milliseconds(1),
                                       .error = {}});
    round.facts.round_trips.back().held = std::chrono::milliseconds(4);
  }
  return round;
}

TEST(RoundJson, HasTrainsOfPacketsAndSomeOfThePackets) {
  const auto read = json::parse(round_json(mesh_round()));
  const auto& facts = read.at("facts");
  EXPECT_EQ(facts.at("trains").at(0).at("path"), "10.0.0.1#2");
  EXPECT_EQ(facts.at("trains").at(0).at("lost_forward").to_number<int>(), 1);
  EXPECT_EQ(facts.at("round_trips").as_array().size(), 500U);
  EXPECT_EQ(facts.at("round_trips_left_out").to_number<int>(), 100);
  EXPECT_EQ(facts.at("round_trips").at(0).at("held_seconds"), 0.004);
  const auto& peer = read.at("peers").at(0);
  EXPECT_EQ(peer.at("rtt_seconds"), 0.00012);
  EXPECT_TRUE(peer.at("in_trouble").as_bool());
  EXPECT_EQ(peer.at("cause"), "packets are lost on the way there");
}

TEST(TargetsJson, HasEveryTargetWithItsAge) {
  store::Snapshot snapshot;
  snapshot.rounds.push_back(std::make_shared<const Round>(full_round()));
  const auto read = json::parse(
      targets_json(snapshot, WallTime(std::chrono::seconds(1)), SteadyTime(std::chrono::seconds(502))));
  EXPECT_EQ(read.at("now"), "1970-01-01T00:00:01.000Z");
  ASSERT_EQ(read.at("targets").as_array().size(), 1U);
  EXPECT_EQ(read.at("targets").at(0).at("age_seconds"), 2);
  EXPECT_EQ(json::parse(targets_json({}, {}, {})).at("targets").as_array().size(), 0U);
}

}  // namespace
}  // namespace qw::exporting
