#include "daemon/journal/alert_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "daemon/rules/rule_file.hpp"
#include "daemon/rules/scripted_source.hpp"
#include "tests/unit/journal/rounds.hpp"

namespace qw::journal {
namespace {

using rules::Millis;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Millis kStart = 1'000'000;
constexpr auto kRules = R"(
groups:
- name: g
  rules:
  - alert: Slow
    expr: lag > 5
    for: 10s
    labels: {severity: critical}
    annotations: {summary: 'It is {{ $value }} behind.', runbook_url: 'http://x/runbooks/Slow'}
)";

class AlertWatchTest : public testing::Test {
 protected:
  AlertWatchTest() { load(engine); }
  static rules::GroupSettings settings() {
    rules::GroupSettings out;
    out.external_labels = std::make_shared<const Labels>();
    return out;
  }
  static void load(rules::RuleEngine& into) {
    auto read = rules::read_rule_file(kRules, "r.yml");
    EXPECT_TRUE(read.problems.empty());
    into.replace(std::move(read.groups), settings(), kStart);
  }
  /// One evaluation, with `lag` of these members; `answered`: whether their target did.
  std::vector<Event> look(int second, const std::map<std::string, double>& lags, bool answered = true) {
    rules::ScriptedSource source;
    const Millis at = kStart + second * 1000;
    for (const auto& [member, lag] : lags) {
      source.add(*promql::parse_series(
                     fmt::format(R"(lag{{member="{}",system="redis",target="one"}} {})", member, lag)),
                 at, 1000);
    }
    source.advance(at);
    rules::DataHealth health;
    health.targets.push_back({.system = "redis", .target = "one", .answered = answered, .names = nullptr});
    engine.group(0).evaluate(source, at, health);
    return watch.on_cycle(engine, wall(second));
  }
  rules::RuleEngine engine;
  AlertWatch watch;
};

TEST_F(AlertWatchTest, AnAlertIsPendingFiresAndEnds) {
  EXPECT_THAT(look(0, {{"b", 1}}), IsEmpty());
  auto events = look(1, {{"b", 9}});
  EXPECT_THAT(words(events), ElementsAre("began pending Slow member=b"));
  EXPECT_EQ(events[0].severity, Severity::info);
  EXPECT_EQ(events[0].target, (TargetId{.system = "redis", .name = "one"}));
  EXPECT_THAT(look(5, {{"b", 10}}), IsEmpty());
  events = look(12, {{"b", 11}, {"c", 20}});
  ASSERT_THAT(words(events), ElementsAre("ended pending Slow member=b", "began firing Slow member=b",
                                         "began pending Slow member=c"));
  EXPECT_EQ(events[1].severity, Severity::critical);
  EXPECT_EQ(events[1].text, "it fires: It is 11 behind.");
  EXPECT_THAT(
      events[1].evidence,
      testing::IsSupersetOf({std::pair("value", "11"), std::pair("runbook_url", "http://x/runbooks/Slow")}));
  EXPECT_EQ(watch.open().size(), 2U);
  EXPECT_THAT(words(look(13, {{"b", 1}, {"c", 1}})),
              ElementsAre("ended firing Slow member=b", "ended pending Slow member=c"));
  EXPECT_THAT(watch.open(), IsEmpty());
}

TEST_F(AlertWatchTest, AnAlertWhoseTargetIsSilentIsUnknown) {
  look(0, {{"b", 9}});
  look(11, {{"b", 9}});
  EXPECT_THAT(words(look(12, {}, false)), ElementsAre("began unknown Slow member=b"));
  EXPECT_THAT(look(13, {}, false), IsEmpty());
  EXPECT_EQ(watch.open().size(), 2U);
  EXPECT_THAT(words(look(14, {{"b", 9}})), ElementsAre("ended unknown Slow member=b"));
}

TEST_F(AlertWatchTest, WhatAnEarlierRunLeftIsNoChange) {
  look(0, {{"b", 9}});
  look(11, {{"b", 9}});
  rules::RuleEngine next;
  load(next);
  next.restore(engine.save(kStart + 12'000), kStart + 12'000);
  AlertWatch other;
  other.restored(next);
  EXPECT_THAT(other.on_cycle(next, wall(12)), IsEmpty());
  EXPECT_EQ(other.open().size(), 1U);
}

TEST_F(AlertWatchTest, ARuleThatIsGoneEndsItsAlerts) {
  look(0, {{"b", 9}});
  look(11, {{"b", 9}});
  engine.replace({}, settings(), kStart + 12'000);
  EXPECT_THAT(words(watch.on_cycle(engine, wall(12))), ElementsAre("ended firing Slow member=b"));
}

TEST_F(AlertWatchTest, ChangesOfOneLookAreBounded) {
  std::map<std::string, double> many;
  for (int i = 0; i < 1000; ++i) many["m" + std::to_string(i)] = 9;
  EXPECT_EQ(look(0, many).size(), AlertWatch::kMostEvents);
  EXPECT_EQ(watch.left_out(), 1000U - AlertWatch::kMostEvents);
}

TEST_F(AlertWatchTest, AnAlertThatIsHandedOverHasNotEnded) {
  look(0, {{"a", 9}});
  look(10, {{"a", 9}});
  engine.let_go({.system = "redis", .name = "one"}, kStart + 11'000);
  const auto events = watch.on_cycle(engine, wall(11));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].change, Change::ended);
  EXPECT_EQ(events[0].text, "another daemon asks the target now, and tells of it");
}

}  // namespace
}  // namespace qw::journal
