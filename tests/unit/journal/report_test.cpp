// The report of a story that everybody can follow is held against tests/golden/report; QW_UPDATE_GOLDEN=1
// writes it.
#include "daemon/journal/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "daemon/base/rfc3339.hpp"
#include "daemon/journal/open_events.hpp"
#include "tests/unit/journal/rounds.hpp"

namespace qw::journal {
namespace {

using testing::HasSubstr;
using testing::Not;

const TargetId kEtcd{.system = "etcd", .name = "control-plane"}, kMesh{.system = "nodes", .name = "mesh"};

class Story {
 public:
  Story& add(int second, Kind kind, Change change, Severity severity, TargetId target, std::string subject,
             std::string what, std::string text,
             std::vector<std::pair<std::string, std::string>> evidence = {}) {
    events.push_back({.at = wall(second),
                      .kind = kind,
                      .change = change,
                      .severity = severity,
                      .target = std::move(target),
                      .subject = std::move(subject),
                      .what = std::move(what),
                      .text = std::move(text),
                      .evidence = std::move(evidence)});
    return *this;
  }
  Story& ends(int second, Kind kind, TargetId target, std::string subject, std::string what,
              std::string text) {
    return add(second, kind, Change::ended, Severity::info, std::move(target), std::move(subject),
               std::move(what), std::move(text));
  }
  std::vector<Event> events;
};

/// A partition, an election, a killed daemon, an alert that an Alertmanager takes late.
Story incident() {
  using enum Change;
  using enum Severity;
  Story story;
  story.add(-90'000, Kind::daemon, happened, info, {}, "", "started", "the daemon has started");
  story.add(-80'000, Kind::replication, began, warning, kEtcd, "old:1", "lag", "of the day before");
  story.ends(-79'000, Kind::replication, kEtcd, "old:1", "lag", "it is 0 s behind");
  story.add(10, Kind::round_trip, began, warning, kMesh, "10.0.0.1 by stamp", "loss_forward",
            "packets are lost on the way there: 40.0 % of 300 in the last minute",
            {{"quorumwatch_rtt_loss_ratio", "0.4"}});
  story.add(17, Kind::target, began, warning, kEtcd, "10.0.0.1:2379", "member_silent",
            "it does not answer: deadline exceeded", {{"reason", "timeout"}});
  story.add(17, Kind::election, began, warning, kEtcd, "", "no_leader",
            "nobody has been known to lead for 1.2 s; last was 10.0.0.1:2379");
  story.add(20, Kind::election, happened, warning, kEtcd, "10.0.0.2:2379", "unplanned",
            "leads now, after an unplanned election, epoch 8; 10.0.0.1:2379 led before",
            {{"quorumwatch_leader_epoch", "8"}});
  story.ends(20, Kind::election, kEtcd, "", "no_leader", "10.0.0.2:2379 leads");
  story.add(25, Kind::alert, began, critical, kEtcd, "QuorumwatchQuorumAtRisk", "firing",
            "it fires: One | more.");
  story.add(26, Kind::delivery, began, critical, {}, "http://am:9093", "takes_none",
            "it does not take alerts: 1 alert waits for it");
  story.ends(40, Kind::delivery, {}, "http://am:9093", "takes_none", "it takes alerts again");
  story.add(40, Kind::delivery, happened, info, {}, "http://am:9093", "acknowledged",
            "it has acknowledged what changed; the last request took 3.0 ms");
  story.add(100, Kind::daemon, happened, info, {}, "", "started", "the daemon has started",
            {{"last_alive", print_timestamp(wall(60))}, {"targets", "2"}});
  story.ends(101, Kind::target, kEtcd, "10.0.0.1:2379", "member_silent", "it answers again");
  story.add(300, Kind::consumer, began, critical, {.system = "kafka", .name = "events"}, "billing on orders",
            "stopped", "nobody is in the group, and 8705 messages wait");
  return story;
}

ReportOptions options(int from, int to, std::string target = "") {
  ReportOptions out;
  out.from = wall(from);
  out.to = wall(to);
  out.target = std::move(target);
  out.last_alive = wall(to);
  return out;
}

void hold_against(const std::string& name, const std::string& printed) {
  const auto path = std::string(QW_SOURCE_DIR) + "/tests/golden/report/" + name;
  if (std::getenv("QW_UPDATE_GOLDEN")) {
    std::ofstream(path) << printed;
    return;
  }
  std::ifstream file(path);
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(printed, expected) << "QW_UPDATE_GOLDEN=1 writes " << path;
}

TEST(Report, TellsAnIncidentFromItsBeginningToItsEnd) {
  hold_against("incident.md", write_report(incident().events, options(0, 600)));
}
TEST(Report, TellsOfOneTargetWithWhatCameBeforeElsewhere) {
  hold_against("incident_of_one_target.md",
               write_report(incident().events, options(0, 600, "etcd/control-plane")));
}
TEST(Report, OfAQuietHourSaysSo) {
  hold_against("quiet.md", write_report(incident().events, options(-60'000, -50'000, "mesh")));
}

TEST(Report, WhatATargetSaysIsTextAndNothingElse) {
  Story story;
  const std::string hostile =
      "<script>alert(1)</script> | `x` [a](http://evil) ![b](c) www.evil.org\n# no heading & *b*";
  story.add(1, Kind::target, Change::began, Severity::critical, {.system = "etcd", .name = hostile}, hostile,
            "member_silent", hostile, {{hostile, hostile}});
  const auto report = write_report(story.events, options(0, 10));
  for (const auto* live : {"](http", "\n# no", "http://evil", "www.evil", " `x`", " *b*"})
    EXPECT_THAT(report, Not(HasSubstr(live))) << live;
  for (auto at = report.find('<'); at != std::string::npos; at = report.find('<', at + 1))
    EXPECT_EQ(report[at - 1], '\\');
  EXPECT_THAT(report, HasSubstr("\\<script\\>alert\\(1\\)\\</script\\> \\|"));
}

TEST(Report, OneThatIsKilledIsNotRunningWhenNobodyTouchesTheJournal) {
  Story story;
  story.add(0, Kind::daemon, Change::happened, Severity::info, {}, "", "started", "the daemon has started");
  story.add(5, Kind::target, Change::began, Severity::critical, kEtcd, "", "silent", "nobody answers");
  auto asked = options(0, 600);
  asked.last_alive = wall(60);
  const auto report = write_report(story.events, asked);
  EXPECT_THAT(report, HasSubstr("not known: the daemon is down"));
  EXPECT_THAT(report, HasSubstr("it ended without a word"));
  asked.last_alive = wall(598);
  EXPECT_THAT(write_report(story.events, asked), HasSubstr("**still so**"));
}

TEST(OpenEvents, KnowWhatBeganAndDidNotEnd) {
  OpenEvents open;
  for (const auto& event : incident().events) open.take(event);
  EXPECT_THAT(words(open.list()), testing::ElementsAre("began loss_forward 10.0.0.1 by stamp",
                                                       "began firing QuorumwatchQuorumAtRisk",
                                                       "began stopped billing on orders"));
}

}  // namespace
}  // namespace qw::journal
