#include "daemon/status/page.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "daemon/status/sections.hpp"
#include "tests/unit/status/markup.hpp"

namespace qw::status {
namespace {

using journal::Change;
using journal::Condition;
using journal::Event;
using journal::Kind;
using journal::Severity;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto gauge = MetricType::gauge;
constexpr MetricFamily kLeaders{"quorumwatch_leaders", gauge, "x", ""};
constexpr MetricFamily kClaim{"quorumwatch_leader_claim", gauge, "x", "member"};
constexpr MetricFamily kEpoch{"quorumwatch_leader_epoch", gauge, "x", ""};
constexpr MetricFamily kElections{"quorumwatch_leader_elections_total", gauge, "x", "cause"};
constexpr MetricFamily kOverlap{"quorumwatch_split_brain_overlap_seconds", gauge, "x", "bound"};
constexpr MetricFamily kSplit{"quorumwatch_split_brain", gauge, "x", "kind"};
constexpr MetricFamily kReplicaLag{"quorumwatch_replication_lag_seconds", gauge, "x", "member"};
constexpr MetricFamily kLinkUp{"quorumwatch_replication_link_up", gauge, "x", "member"};
constexpr MetricFamily kConsumerStatus{"quorumwatch_consumer_status", gauge, "x",
                                       "consumer_group topic status"};
constexpr MetricFamily kConsumerLag{"quorumwatch_consumer_lag_seconds", gauge, "x", "consumer_group topic"};
constexpr MetricFamily kCatchUp{"quorumwatch_consumer_catch_up_seconds", gauge, "x", "consumer_group topic"};
constexpr MetricFamily kRtt{"quorumwatch_rtt_seconds", gauge, "x", "member method"};
constexpr MetricFamily kLossSamples{"quorumwatch_rtt_loss_samples", gauge, "x", "member method"};
constexpr MetricFamily kLossRatio{"quorumwatch_rtt_loss_ratio", gauge, "x", "member method"};
constexpr MetricFamily kDirection{"quorumwatch_rtt_loss_direction_ratio", gauge, "x",
                                  "member method direction"};
constexpr MetricFamily kConfirmed{"quorumwatch_rtt_loss_confirmed", gauge, "x", "member method direction"};
constexpr MetricFamily kOffset{"quorumwatch_clock_offset_seconds", gauge, "x", "member source"};
constexpr MetricFamily kBound{"quorumwatch_clock_bound_seconds", gauge, "x", "member source"};
constexpr MetricFamily kClockState{"quorumwatch_clock_state", gauge, "x", "member state"};
constexpr MetricFamily kLimit{"quorumwatch_clock_limit_seconds", gauge, "x", "profile severity"};

const WallTime kNow(seconds(1'795'253'614));

/// A round in the making.
struct Maker {
  Maker(std::string system, std::string name) : samples(system, name) {
    round.target = {.system = std::move(system), .name = std::move(name)};
    round.success = true;
    round.number = 7;
    round.at = kNow - seconds(2);
  }
  RoundPtr make() {
    round.samples = samples.take();
    return std::make_shared<const Round>(std::move(round));
  }
  Round round;
  Samples samples;
};

View view_of(std::vector<RoundPtr> rounds) {
  auto snapshot = std::make_shared<store::Snapshot>();
  snapshot->rounds = std::move(rounds);
  View out;
  out.snapshot = std::move(snapshot);
  out.wall = kNow;
  out.now = SteadyTime(seconds(1000));
  return out;
}

RoundPtr etcd(std::string name = "control-plane") {
  Maker etcd("etcd", std::move(name));
  etcd.samples.add(kLeaders, 1);
  etcd.samples.add(kClaim, 1, {{"member", "10.0.0.1:2379"}});
  etcd.samples.add(kClaim, 0, {{"member", "10.0.0.2:2379"}});
  etcd.samples.add(kEpoch, 17);
  etcd.samples.add(kElections, 2, {{"cause", "unplanned"}});
  return etcd.make();
}

Condition condition(TargetId target, Severity severity, std::string text) {
  Condition out;
  out.kind = Kind::election;
  out.severity = severity;
  out.target = std::move(target);
  out.what = "x";
  out.text = std::move(text);
  out.since = kNow - minutes(12);
  return out;
}

Event event(WallTime at, Kind kind, Change change, TargetId target, std::string subject, std::string text) {
  Event out;
  out.at = at;
  out.kind = kind;
  out.change = change;
  out.target = std::move(target);
  out.subject = std::move(subject);
  out.text = std::move(text);
  return out;
}

std::string section(const View& view, std::string_view id) {
  for (const auto& one : sections(view)) {
    if (one.id == id) return one.html;
  }
  return {};
}
/// Its text, after a look at its markup.
std::string text_of(const std::string& html) {
  const auto markup = read_markup(html);
  EXPECT_TRUE(markup.problems.empty()) << markup.problems.front() << " in\n" << html;
  return markup.text;
}

#define EXPECT_HAS(text, part) \
  EXPECT_NE((text).find(part), std::string::npos) << (part) << " not in\n" << (text)
#define EXPECT_HAS_NOT(text, part) \
  EXPECT_EQ((text).find(part), std::string::npos) << (part) << " in\n" << (text)

TEST(WrongNow, SaysThatNothingIsWrong) {
  const auto text = text_of(section(view_of({etcd()}), "part-wrong"));
  EXPECT_HAS(text, "Nothing is wrong.");
  EXPECT_HAS(text, "1 of 1 target answer.");
  EXPECT_HAS(text_of(section(view_of({}), "part-wrong")), "No target has been asked yet.");
}

TEST(WrongNow, TheWorstTargetStandsFirstWithConditionsAndAlertsTogether) {
  auto view = view_of({etcd(), Maker("redis", "sessions").make()});
  const TargetId redis{"redis", "sessions"}, control{"etcd", "control-plane"};
  view.conditions = {condition(control, Severity::warning, "no further voter may fail"),
                     condition(redis, Severity::critical, "two leaders at once, both take writes"),
                     condition(control, Severity::info, "this is no trouble")};
  view.conditions[1].subject = "10.0.0.9:6379";
  view.conditions[1].unknown_since = kNow - minutes(3);
  AlertView alert;
  alert.name = "QuorumwatchSplitBrain";
  alert.severity = Severity::critical;
  alert.firing = true;
  alert.target = redis;
  alert.since = kNow - minutes(11);
  view.alerts.shown = {alert};
  alert.target = {};
  alert.severity = Severity::warning;
  alert.name = "QuorumwatchLoopLag";
  alert.description = "The loop stood still.";
  view.alerts.shown.push_back(alert);
  alert.firing = false;
  alert.name = "Pending";
  view.alerts.shown.push_back(alert);
  view.alerts.firing = 2;
  view.alerts.pending = 1;
  const auto html = section(view, "part-wrong");
  const auto text = text_of(html);
  EXPECT_HAS(text, "3 targets are in trouble, 1 of them critical.");
  EXPECT_HAS(text, "10.0.0.9:6379: two leaders at once, both take writes since 09:21:34 (12 min ago)");
  EXPECT_HAS(text, "not known any more since 09:30:34 (3 min ago)");
  EXPECT_HAS(text, "Alert QuorumwatchSplitBrain since 09:22:34 (11 min ago)");
  EXPECT_HAS(text, "quorumwatch itself");
  EXPECT_HAS(text, "The loop stood still. Alert QuorumwatchLoopLag");
  EXPECT_HAS(text, "No further voter may fail");
  EXPECT_HAS(text, "1 alert pending.");
  EXPECT_HAS_NOT(text, "this is no trouble");
  EXPECT_HAS_NOT(text, "Alert Pending");
  EXPECT_LT(text.find("sessions"), text.find("control-plane"));
  EXPECT_HAS(html, "href=\"/target/redis/sessions\"");
  EXPECT_HAS(html, "role=\"status\" aria-live=\"polite\"");
}

TEST(WrongNow, WhatHasJustBegunStandsBeforeWhatIsOldAndAsSevere) {
  auto view = view_of({etcd()});
  const TargetId id{"etcd", "control-plane"}, other{"etcd", "other"};
  for (int i = 0; i < 6; ++i)
    view.conditions.push_back(condition(id, Severity::warning, fmt::format("old {}", i)));
  view.conditions.push_back(condition(id, Severity::warning, "just begun"));
  view.conditions.back().since = kNow;
  // Found a moment before, and the cause of it.
  view.conditions.push_back(condition(id, Severity::warning, "it does not answer"));
  view.conditions.back().kind = Kind::target;
  view.conditions.back().since = kNow - seconds(2);
  view.conditions.push_back(condition(other, Severity::warning, "something else"));
  const auto text = text_of(section(view, "part-wrong"));
  EXPECT_LT(text.find("Just begun"), text.find("Old "));
  EXPECT_HAS(text, "and 4 more");
  EXPECT_LT(text.find("It does not answer"), text.find("Just begun"));
  EXPECT_LT(text.find("Just begun"), text.find("Something else"));
}

TEST(WrongNow, AnAlertThatIsWorseThanAllConditionsSaysWhatItIsAbout) {
  auto view = view_of({etcd()});
  const TargetId id{"etcd", "control-plane"};
  view.conditions = {condition(id, Severity::warning, "it reads, but less than comes in")};
  AlertView alert;
  alert.name = "QuorumwatchMessagesLost";
  alert.severity = Severity::critical;
  alert.firing = true;
  alert.target = id;
  alert.description = "842 messages are lost.";
  alert.since = kNow - minutes(1);
  view.alerts.shown = {alert};
  EXPECT_HAS(text_of(section(view, "part-wrong")), "842 messages are lost. Alert QuorumwatchMessagesLost");
  view.conditions[0].severity = Severity::critical;
  EXPECT_HAS_NOT(text_of(section(view, "part-wrong")), "842 messages are lost.");
}

TEST(WrongNow, AlertsOfOneNameAreOneLine) {
  auto view = view_of({etcd()});
  AlertView alert;
  alert.name = "QuorumwatchClockStepped";
  alert.severity = Severity::warning;
  alert.firing = true;
  alert.target = {.system = "etcd", .name = "control-plane"};
  for (int i = 0; i < 4; ++i) {
    alert.description = fmt::format("The clock of m{} was set.", i);
    alert.since = kNow - minutes(4 - i);
    view.alerts.shown.push_back(alert);
  }
  const auto text = text_of(section(view, "part-wrong"));
  EXPECT_HAS(
      text,
      "The clock of m3 was set. Alert QuorumwatchClockStepped since 09:32:34 (1 min ago), and 3 more of it");
  EXPECT_HAS_NOT(text, "The clock of m0");
}

TEST(WrongNow, WhatHasJustHappenedStandsThereUntilItIsOld) {
  auto view = view_of({etcd()});
  const TargetId id{"etcd", "control-plane"}, kafka{"kafka", "streams"};
  auto events = std::make_shared<std::vector<Event>>();
  const auto tell = [&](int seconds_ago, Kind kind, Change change, const TargetId& target,
                        std::string subject, std::string what, std::string text) {
    events->push_back(
        event(kNow - seconds(seconds_ago), kind, change, target, std::move(subject), std::move(text)));
    events->back().what = std::move(what);
  };
  tell(301, Kind::clock, Change::happened, id, "m", "step", "this is old");
  tell(200, Kind::election, Change::happened, id, "a", "planned", "leads now, after a planned election");
  tell(150, Kind::target, Change::ended, id, "b", "member_silent", "it answers again");
  tell(100, Kind::split_brain, Change::ended, id, "", "fenced", "both led for 1 s");
  for (int i = 0; i < 3; ++i)
    tell(30 - i, Kind::consumer, Change::happened, kafka, "g", "rebalanced", "shared out again");
  view.events = events;
  auto text = text_of(section(view, "part-wrong"));
  EXPECT_HAS(text, "Nothing is wrong.");
  EXPECT_HAS(text, "Just happenedkafka streams g: shared out again (3 times in 5 min) 09:33:06 (20 s ago)");
  EXPECT_HAS(text, "over: fenced: both led for 1 s");
  EXPECT_HAS(text, "a: leads now, after a planned election");
  EXPECT_LT(text.find("shared out"), text.find("both led"));
  EXPECT_HAS_NOT(text, "this is old");
  EXPECT_HAS_NOT(text, "it answers again");
  for (int i = 0; i < 9; ++i)
    tell(9 - i, Kind::clock, Change::happened, id, fmt::format("m{}", i), "step", "was set");
  text = text_of(section(view, "part-wrong"));
  EXPECT_HAS(text, "m8: was set");
  EXPECT_HAS(text, "m6: was set");
  EXPECT_HAS_NOT(text, "m5: was set");
  view.wall += minutes(6);
  EXPECT_HAS_NOT(text_of(section(view, "part-wrong")), "Just happened");
}

TEST(WhoLeads, SaysWhoInWhichEpochSinceWhenAndHow) {
  auto view = view_of({etcd()});
  auto events = std::make_shared<std::vector<Event>>();
  events->push_back(event(kNow - minutes(90), Kind::election, Change::happened,
                          TargetId{"etcd", "control-plane"}, "",
                          "unplanned: 10.0.0.1:2379 took over from 10.0.0.3:2379"));
  events->push_back(
      event(kNow, Kind::clock, Change::happened, TargetId{"etcd", "control-plane"}, "", "other"));
  events->push_back(
      event(kNow, Kind::election, Change::ended, TargetId{"etcd", "control-plane"}, "", "views"));
  view.events = events;
  const auto text = text_of(section(view, "part-leaders"));
  EXPECT_HAS(text, "etcd control-plane10.0.0.1:237917");
  EXPECT_HAS(text, "one leader");
  EXPECT_HAS(text, "08:03:34 (1 h ago)unplanned: 10.0.0.1:2379 took over from 10.0.0.3:2379");
  EXPECT_HAS(text, "2 unplanned");
  EXPECT_HAS(text_of(section(view_of({etcd()}), "part-leaders")), "no change seen");
  EXPECT_HAS_NOT(section(view_of({Maker("host", "a").make()}), "part-leaders"), "<section");
}

TEST(WhoLeads, ProvenOverlapsStandThereAndTroubleStandsFirst) {
  Maker redis("redis", "z");
  redis.samples.add(kLeaders, 2);
  redis.samples.add(kSplit, 1, {{"kind", "unfenced"}});
  redis.samples.add(kOverlap, 4.2, {{"bound", "lower"}});
  redis.samples.add(kOverlap, 6, {{"bound", "upper"}});
  for (const std::string_view member : {"a", "b"}) redis.samples.add(kClaim, 1, {{"member", member}});
  const auto text = text_of(section(view_of({etcd(), redis.make()}), "part-leaders"));
  EXPECT_HAS(text, "two leaders at once, both take writes");
  EXPECT_HAS(text, "two led at once for at least 4.2 s and at most 6 s");
  EXPECT_HAS(text, "a, b");
  EXPECT_LT(text.find("redis"), text.find("etcd"));
}

TEST(Behind, ShowsOnlyWhatIsBehindWithSparklineAndTimeToCatchUp) {
  Maker redis("redis", "sessions");
  redis.samples.add(kReplicaLag, 0, {{"member", "fine"}});
  redis.samples.add(kReplicaLag, 30, {{"member", "slow"}});
  redis.samples.add(kLinkUp, 1, {{"member", "slow"}});
  auto view = view_of({redis.make()});
  const auto wanted = wanted_trends(*view.snapshot);
  ASSERT_EQ(wanted.size(), 1U);
  EXPECT_EQ(wanted[0]->labels.get("member"), "slow");
  auto& trend = view.trends[wanted[0]];
  // It loses 1 s of 2 s each second.
  for (int i = 0; i <= 60; ++i) trend.push_back({SteadyTime(seconds(i)), 60 - 0.5 * i});
  const auto html = section(view, "part-replicas");
  const auto text = text_of(html);
  EXPECT_HAS(text, "1 of 2 replicas keep up.");
  EXPECT_HAS(text_of(section(view, "part-wrong")), "1 replica is behind: redis sessions slow.");
  auto paused = condition({"redis", "sessions"}, Severity::info, "its replay was paused by somebody");
  paused.kind = Kind::replication;
  paused.subject = "slow";
  view.conditions = {paused};
  EXPECT_HAS(text_of(section(view, "part-wrong")),
             "1 replica is behind: redis sessions slow: its replay was paused by somebody.");
  view.conditions[0].severity = Severity::warning;
  EXPECT_HAS_NOT(text_of(section(view, "part-wrong")), "1 replica is behind") << "it is told as a trouble";
  EXPECT_HAS(text, "30 s behind");
  EXPECT_HAS(text, "about 1 min");
  EXPECT_HAS(html, "<svg class=\"spark\"");
  EXPECT_HAS(html, "aria-label=\"lag over the last 1 min: now 30 s, at most 1 min\"");
  EXPECT_HAS_NOT(text, "fine");
}

TEST(Behind, SaysWhyAConsumerIsBehind) {
  Maker kafka("kafka", "events");
  kafka.samples.add(kConsumerLag, 61, {{"consumer_group", "orders"}, {"topic", "paid"}});
  kafka.samples.add(kCatchUp, 600, {{"consumer_group", "orders"}, {"topic", "paid"}});
  kafka.samples.add(kConsumerStatus, 1,
                    {{"consumer_group", "orders"}, {"topic", "paid"}, {"status", "slow"}});
  const auto text = text_of(section(view_of({kafka.make()}), "part-consumers"));
  EXPECT_HAS(text, "orders on paid");
  EXPECT_HAS(text, "slow: it reads, but less than comes in");
  EXPECT_HAS(text, "about 10 min");
  EXPECT_HAS(text, "1 min 1 s");
}

TEST(RoundTrips, SayInWordsWhatTheColoursShow) {
  Maker nodes("nodes", "mesh");
  const Samples::Label of{"member", "n1"}, by{"method", "stamp"};
  nodes.samples.add(kRtt, 0.00012, {of, by});
  nodes.samples.add(kLossSamples, 500, {of, by});
  nodes.samples.add(kLossRatio, 0.02, {of, by});
  nodes.samples.add(kDirection, 0.02, {of, by, {"direction", "forward"}});
  nodes.samples.add(kDirection, 0, {of, by, {"direction", "backward"}});
  nodes.samples.add(kConfirmed, 1, {of, by, {"direction", "forward"}});
  const auto html = section(view_of({nodes.make()}), "part-round-trips");
  EXPECT_HAS(text_of(html), "n1mesh, by stamp120 us2 %2 %0 %packets are lost on the way there");
  EXPECT_HAS(html, "<td data-n=\"round trip\" class=\"number heat h0\">120 us</td>");
}

TEST(ClockOffsets, AreIntervalsOnOneAxisAndText) {
  Maker clocks("clocks", "ntp");
  clocks.samples.add(kLimit, 0.1, {{"profile", "default"}, {"severity", "critical"}});
  for (const auto& [member, offset] : {std::pair("good", 0.001), std::pair("bad", -0.25)}) {
    clocks.samples.add(kOffset, offset, {{"member", member}, {"source", "all"}});
    clocks.samples.add(kBound, 0.002, {{"member", member}, {"source", "all"}});
    clocks.samples.add(kClockState, 1,
                       {{"member", member}, {"state", offset < 0 ? "proved_skewed" : "proved_in_sync"}});
  }
  const auto html = section(view_of({clocks.make()}), "part-clocks");
  const auto text = text_of(html);
  EXPECT_HAS(text, "bad proved skewed: behind by 250 ms, give or take 2 ms");
  EXPECT_HAS(text, "good proved in sync: ahead by 1 ms, give or take 2 ms");
  EXPECT_HAS(text, "limit 100 ms");
  EXPECT_EQ(std::ranges::count(read_markup(html).tags, "circle"), 2);
}

TEST(AlertList, LinksTheRunbookAndNothingElse) {
  auto view = view_of({});
  AlertView alert;
  alert.name = "Some";
  alert.firing = true;
  alert.value = 2;
  alert.labels.set("member", "m1");
  alert.since = kNow - minutes(1);
  alert.unknown_since = kNow - seconds(30);
  alert.description = "It happened.";
  alert.runbook_url = "https://example.org/some";
  view.alerts.shown = {alert};
  alert.firing = false;
  alert.runbook_url = "javascript:alert(1)";
  view.alerts.shown.push_back(alert);
  view.alerts.firing = 1;
  view.alerts.pending = 1;
  view.alerts.unknown = 2;
  const auto html = section(view, "part-alerts");
  const auto text = text_of(html);
  EXPECT_HAS(text, "1 firing, 1 pending, 2 of them unknown.");
  EXPECT_HAS(text, "fires since 09:32:34 (1 min ago)unknown since 09:33:04 (30 s ago)");
  EXPECT_HAS(text, "It happened.value 2, member m1");
  EXPECT_HAS(html, "href=\"https://example.org/some\"");
  EXPECT_HAS_NOT(html, "href=\"javascript");
  EXPECT_HAS(text_of(section(view_of({}), "part-alerts")), "No rules are loaded");
}

TEST(TargetList, FailingOnesStandFirstWithTheReason) {
  Maker down("redis", "down");
  down.round.success = false;
  down.round.reason = "redis down: nobody answered";
  Maker part("etcd", "part");
  part.round.facts.unanswered.push_back(
      {.member = "m3", .asked = {}, .error = Error(ErrorKind::timeout, "no answer within 2s")});
  const auto text = text_of(section(view_of({part.make(), down.make()}), "part-targets"));
  EXPECT_HAS(text, "does not answerredis down: nobody answered");
  EXPECT_HAS(text, "answers in partm3: no answer within 2s");
  EXPECT_LT(text.find("redis down"), text.find("answers in part"));
}

TEST(Timeline, TheNewestEventStandsFirst) {
  auto view = view_of({});
  EXPECT_HAS(text_of(section(view, "part-timeline")), "Nothing has changed");
  auto events = std::make_shared<std::vector<Event>>();
  for (int i = 0; i < 100; ++i) {
    events->push_back(event(kNow - minutes(200 - i), Kind::clock, i % 2 == 0 ? Change::began : Change::ended,
                            TargetId{"clocks", "ntp"}, fmt::format("m{}", i), "it is off"));
  }
  view.events = events;
  const auto text = text_of(section(view, "part-timeline"));
  EXPECT_LT(text.find("over: m99: it is off"), text.find("began: m98: it is off"));
  EXPECT_HAS(text, " more earlier ones");
  EXPECT_HAS(section(view, "part-timeline"), "<a href=\"/api/v1/journal?limit=100\">");
}

TEST(TargetPage, ShowsItsFactsSamplesAndItsOwnTimeline) {
  Maker maker("etcd", "a/b c");
  maker.samples.add(kEpoch, 17);
  LeadershipClaim claim;
  claim.member = "m1";
  claim.claim = Claim::leader;
  claim.tenure.epoch = 18446744073709551615ULL;
  maker.round.facts.claims.push_back(claim);
  const auto round = maker.make();
  auto view = view_of({round});
  auto events = std::make_shared<std::vector<Event>>();
  events->push_back(event(kNow, Kind::daemon, Change::happened, round->target, "", "mine"));
  events->push_back(event(kNow, Kind::daemon, Change::happened, TargetId{"etcd", "other"}, "", "not mine"));
  view.events = events;
  view.conditions = {condition(round->target, Severity::critical, "nobody leads"),
                     condition({"etcd", "other"}, Severity::critical, "not this one")};
  const auto text = text_of(target_page(view, *round));
  EXPECT_HAS(text, "Nobody leads since");
  EXPECT_HAS(text, "m1leads18446744073709551615nobody");
  EXPECT_HAS(target_page(view, *round), "/api/v1/journal?limit=100&amp;target=etcd/a%2Fb%20c");
  EXPECT_HAS(text, "quorumwatch_leader_epoch{system=\"etcd\",target=\"a/b c\"}17");
  EXPECT_HAS(text, "mine");
  EXPECT_HAS_NOT(text, "not mine");
  EXPECT_HAS_NOT(text, "not this one");
  EXPECT_HAS(section(view, "part-targets"), "href=\"/target/etcd/a%2Fb%20c\"");
}

TEST(StatusPage, SaysWhoAsksWhatOneDaemonAtATimeAsks) {
  auto view = view_of({etcd()});
  EXPECT_HAS_NOT(section(view, "part-placement"), "<section");
  view.placement[{"kafka", "a"}] = {.decided = true, .here = true};
  view.placement[{"kafka", "b"}] = {.decided = true, .here = false, .asker = "10.0.0.2:10979"};
  view.placement[{"kafka", "c"}] = {
      .decided = true, .here = true, .asker = "", .silent = {"10.0.0.3:10979", "10.0.0.4:10979"}};
  view.placement[{"kafka", "d"}] = {.decided = true, .here = true, .asker = "10.0.0.5:10979"};
  view.placement[{"kafka", "e"}] = {};
  const auto text = text_of(section(view, "part-placement"));
  EXPECT_HAS(text, "kafka athis daemonnone");
  EXPECT_HAS(text, "kafka b10.0.0.2:10979none");
  EXPECT_HAS(
      text,
      "kafka cthis daemon10.0.0.3:10979, 10.0.0.4:10979 do not answer: it may be asked from there, too");
  EXPECT_HAS(text, "kafka dthis daemon and 10.0.0.5:10979it is moving: both ask for a moment");
  EXPECT_HAS(text, "kafka enot yet known: the other daemons are being asked");
  EXPECT_LT(text.find("kafka c"), text.find("kafka a")) << "what is in doubt comes first";
}

/// Everything that comes from outside is as bad as it can be.
View hostile_view(const std::string& bad) {
  Maker maker("etcd", bad);
  maker.round.reason = bad;
  maker.round.facts.unanswered.push_back(
      {.member = bad, .asked = {}, .error = Error(ErrorKind::protocol, bad)});
  LeadershipClaim claim;
  claim.member = bad;
  claim.follows = bad;
  maker.round.facts.claims.push_back(claim);
  const Samples::Label member{"member", bad};
  maker.samples.add(kLeaders, 2);
  maker.samples.add(kClaim, 1, {member});
  maker.samples.add(kReplicaLag, 99, {member});
  maker.samples.add(kConsumerLag, 99, {{"consumer_group", bad}, {"topic", bad}});
  maker.samples.add(kConsumerStatus, 1, {{"consumer_group", bad}, {"topic", bad}, {"status", "stalled"}});
  maker.samples.add(kLossSamples, 9, {member, {"method", bad}});
  maker.samples.add(kOffset, 1, {member, {"source", "all"}});
  const auto round = maker.make();
  auto view = view_of({round});
  view.conditions = {condition(round->target, Severity::critical, bad)};
  view.conditions[0].subject = bad;
  AlertView alert;
  alert.name = alert.summary = alert.description = alert.runbook_url = bad;
  alert.firing = true;
  alert.target = round->target;
  alert.labels.set("member", bad);
  view.alerts.shown = {alert};
  auto events = std::make_shared<std::vector<Event>>();
  events->push_back(event(kNow, Kind::daemon, Change::happened, round->target, bad, bad));
  view.events = events;
  view.placement[{bad, bad}] = {.decided = true, .here = true, .asker = bad, .silent = {bad}};
  return view;
}

TEST(Page, AHostileTextIsTextEverywhere) {
  const std::string texts[] = {"<script>alert(1)</script>",
                               "\"><img src=x onerror=alert(1)>",
                               "'onmouseover='x",
                               "</section></main><script src=//evil>",
                               std::string("a\0b\x01\x1b[2J\n\xff\xc3", 11),
                               "\xE2\x80\xAE"
                               "drawkcab",
                               "&lt;b&gt;",
                               "]]>--><!--",
                               std::string(1 << 20, '<'),
                               std::string(1 << 20, '\xff')};
  for (const auto& bad : texts) {
    const auto view = hostile_view(bad);
    auto page = page_head("quorumwatch", "/events?since=1", kNow);
    for (const auto& one : sections(view)) page += one.html;
    page += page_tail();
    EXPECT_LT(page.size(), 100'000U);
    for (const auto& html : {page, target_page(view, *view.snapshot->rounds[0])}) {
      const auto markup = read_markup(html);
      ASSERT_TRUE(markup.problems.empty()) << markup.problems.front() << " of " << bad.substr(0, 40);
      EXPECT_EQ(std::ranges::count(markup.tags, "script"), 1) << "our own";
      EXPECT_FALSE(markup.has_tag("img"));
      for (const auto& attribute : markup.attributes) {
        EXPECT_FALSE(attribute.starts_with("on") || attribute.starts_with("style")) << attribute;
      }
      EXPECT_TRUE(std::ranges::none_of(html, [](char c) { return c >= '\0' && c < ' '; }) ||
                  html.find_first_of("\x01\x1b") == std::string::npos);
    }
  }
}

TEST(Page, HasWhatKeyboardsAndScreenReadersNeedAndNothingInline) {
  const auto page = page_head("quorumwatch", "/events?since=1", kNow) + page_tail();
  const auto markup = read_markup(page);
  EXPECT_TRUE(markup.problems.empty()) << markup.problems.front();
  for (const auto* tag : {"main", "header", "footer", "nav", "noscript"})
    EXPECT_TRUE(markup.has_tag(tag)) << tag;
  EXPECT_HAS(page, "<html lang=\"en\">");
  EXPECT_HAS(page, "href=\"#main\"");
  EXPECT_HAS(page, "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>");
  EXPECT_HAS(page, "<script src=\"/status.js?");
  EXPECT_FALSE(markup.has_tag("style"));
  EXPECT_HAS(style_sheet(), "prefers-color-scheme: dark");
  EXPECT_HAS(style_sheet(), "prefers-reduced-motion");
  EXPECT_HAS(style_sheet(), ":focus-visible");
}

/// 200 targets with everything wrong that can be.
View large_view() {
  std::vector<RoundPtr> rounds;
  View out;
  auto events = std::make_shared<std::vector<Event>>();
  for (int i = 0; i < 200; ++i) {
    const auto name = fmt::format("production-cluster-{:03}", i);
    Maker maker("postgres", name);
    maker.samples.add(kLeaders, i % 3);
    maker.samples.add(kEpoch, 1000 + i);
    for (int m = 0; m < 5; ++m) {
      const auto member = fmt::format("10.1.{}.{}:5432", i, m);
      const Samples::Label of{"member", member};
      maker.samples.add(kClaim, m == 0 ? 1 : 0, {of});
      maker.samples.add(kReplicaLag, i + m, {of});
      maker.samples.add(kLinkUp, m % 2, {of});
      maker.samples.add(kOffset, 0.001 * m, {of, {"source", "all"}});
      maker.samples.add(kLossSamples, 100, {of, {"method", "stamp"}});
      maker.samples.add(kRtt, 0.0001 * i, {of, {"method", "stamp"}});
      for (int p = 0; p < 6; ++p) {
        maker.samples.add(kConsumerLag, p, {{"consumer_group", member}, {"topic", fmt::format("t{}", p)}});
      }
    }
    maker.round.facts.unanswered.push_back(
        {.member = "m", .asked = {}, .error = Error(ErrorKind::timeout, "no answer within 2s")});
    rounds.push_back(maker.make());
    for (int c = 0; c < 3; ++c) {
      out.conditions.push_back(
          condition(rounds.back()->target, Severity::critical, "nobody leads, for 12 s"));
    }
    AlertView alert;
    alert.name = "QuorumwatchNoLeader";
    alert.firing = true;
    alert.target = rounds.back()->target;
    alert.description = "postgres production: nobody has led for 12 s.";
    alert.runbook_url = "https://example.org/runbooks/QuorumwatchNoLeader.md";
    out.alerts.shown.push_back(alert);
    for (int e = 0; e < 5; ++e) {
      events->push_back(
          event(kNow, Kind::election, Change::happened, alert.target, "", "unplanned: a took over"));
    }
  }
  out.alerts.firing = 200;
  out.events = events;
  out.snapshot = view_of(std::move(rounds)).snapshot;
  out.wall = kNow;
  for (const auto& series : wanted_trends(*out.snapshot)) {
    for (int i = 0; i < 120; ++i) out.trends[series].push_back({SteadyTime(seconds(i)), 1.0 * (i % 7)});
  }
  for (int i = 0; i < 200; ++i) {
    auto& standing = out.placement[{"kafka", fmt::format("cluster-{}", i)}];
    standing = {.decided = true, .here = true};
    for (int peer = 0; peer < 5; ++peer)
      standing.silent.push_back(fmt::format("node-{}.example.org:10979", peer));
  }
  return out;
}

TEST(Page, StaysSmallAndCheapFor200TargetsInTrouble) {
  const auto view = large_view();
  std::string page;
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto began = std::clock();
    page = page_head("quorumwatch", "/events?since=1", kNow);
    for (const auto& one : sections(view)) page += one.html;
    page += page_tail();
    best = std::min(best, static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
  }
  EXPECT_LT(page.size(), 100'000U);
  RecordProperty("bytes", static_cast<int>(page.size()));
  RecordProperty("cpu_us", static_cast<int>(best * 1e6));
#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
  EXPECT_LT(best, 0.050) << "seconds of CPU";
#endif
  const auto markup = read_markup(page);
  EXPECT_TRUE(markup.problems.empty()) << markup.problems.front();
  fmt::print("{} bytes, {:.1f} ms of CPU\n", page.size(), best * 1e3);
}

}  // namespace
}  // namespace qw::status
