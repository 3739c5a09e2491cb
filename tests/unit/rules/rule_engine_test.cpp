#include "daemon/rules/rule_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/rules/explain.hpp"
#include "daemon/rules/scripted_source.hpp"

namespace qw::rules {
namespace {

using testing::ElementsAre;

constexpr Millis kStart = 1'000'000;

std::vector<RuleGroup> groups(const std::string& rules, const std::string& file = "r.yml") {
  auto read = read_rule_file("groups:\n- name: g\n  rules:\n" + rules, file);
  EXPECT_TRUE(read.problems.empty()) << read.problems[0].print();
  return std::move(read.groups);
}

GroupSettings settings() {
  GroupSettings out;
  out.external_labels = std::make_shared<const Labels>();
  out.external_url = "http://here:1";
  return out;
}

/// An engine over series that a script gives, one step a second.
class Bench {
 public:
  explicit Bench(const std::string& rules) { engine.replace(groups(rules), settings(), kStart); }

  void add(const std::string& series) { source.add(*promql::parse_series(series), kStart, 1000); }
  /// Evaluates at `second` and keeps what the rules write.
  ActiveGroup::Output step(int second) {
    const auto at = kStart + second * 1000;
    source.advance(at);
    auto output = engine.group(0).evaluate(source, at, health);
    for (const auto& sample : output.samples) source.write(sample.series->labels, {at, sample.value});
    for (const auto& series : output.ended) source.write(series->labels, {at, store::stale_marker()});
    return output;
  }
  static std::vector<std::string> print(const std::vector<DerivedSample>& samples) {
    std::vector<std::string> out;
    for (const auto& sample : samples)
      out.push_back(line_prefix(*sample.series->series) + fmt_value(sample.value));
    return out;
  }
  static std::string fmt_value(double value) { return std::to_string(static_cast<int>(value)); }

  RuleEngine engine;
  ScriptedSource source;
  DataHealth health;
};

TEST(RuleEngine, LaterRulesSeeWhatEarlierOnesWroteInTheSameCycle) {
  Bench bench(
      "  - {record: a, expr: m * 2}\n  - {record: b, expr: a + 1}\n  - {alert: A, expr: b > 2}\n"
      "  - {alert: B, expr: 'ALERTS{alertname=\"A\"}', labels: {old: '{{ $labels.alertname }}'}}\n");
  bench.add("m{x=\"1\"} 1 _ _ 0");
  EXPECT_THAT(
      Bench::print(bench.step(0).samples),
      ElementsAre("a{x=\"1\"} 2", "b{x=\"1\"} 3", "ALERTS{alertname=\"A\",alertstate=\"firing\",x=\"1\"} 1",
                  "ALERTS_FOR_STATE{alertname=\"A\",x=\"1\"} 1000",
                  "ALERTS{alertname=\"B\",alertstate=\"firing\",old=\"A\",x=\"1\"} 1",
                  "ALERTS_FOR_STATE{alertname=\"B\",alertstate=\"firing\",old=\"A\",x=\"1\"} 1000"));
  const auto after = bench.step(3);
  EXPECT_THAT(Bench::print(after.samples), ElementsAre("a{x=\"1\"} 0", "b{x=\"1\"} 1"));
  EXPECT_EQ(after.ended.size(), 4U);
}

TEST(RuleEngine, AFailedRuleChangesNothing) {
  Bench bench("  - {alert: A, expr: m / on (x) n > 0}\n");
  bench.add("m{x=\"1\"} 1 1 1");
  bench.add("n{x=\"1\",y=\"1\"} 1 1 1");
  bench.add("n{x=\"1\",y=\"2\"} _ 1 stale");
  EXPECT_EQ(bench.step(0).samples.size(), 2U);
  const auto failed = bench.step(1);
  EXPECT_EQ(failed.failures, 1U);
  EXPECT_TRUE(failed.samples.empty());
  EXPECT_TRUE(failed.ended.empty());
  EXPECT_EQ(failed.held.size(), 2U);
  EXPECT_TRUE(bench.engine.group(0).health(0).error.contains("many-to-many"));
  EXPECT_EQ(bench.engine.alerts(kStart + 1000, {}).size(), 1U);
  EXPECT_EQ(bench.step(2).failures, 0U);
}

TEST(RuleEngine, AnAlertOfAMemberThatIsSilentIsUnknown) {
  Bench bench("  - {alert: A, expr: lag > 5}\n  - {alert: B, expr: max by (target) (lag) > 5}\n");
  bench.add("lag{member=\"a\",system=\"s\",target=\"t\"} 9 stale _ 9 1");
  bench.add("lag{member=\"b\",system=\"s\",target=\"t\"} 1 1 1 1 1");
  bench.health.targets = {{.system = "s", .target = "t", .answered = true, .names = nullptr}};
  const auto firing = [&] {
    std::string out;
    for (const auto& alert : bench.engine.alerts(kStart, {})) {
      if (!alert->ends_at) out += alert->labels.get("alertname");
    }
    return out;
  };
  bench.step(0);
  EXPECT_EQ(firing(), "AB");
  bench.health.targets[0].silent = {"a"};
  const auto output = bench.step(1);
  EXPECT_EQ(firing(), "A") << "of B another member is left, of which the maximum is told";
  EXPECT_THAT(Bench::print(output.samples),
              testing::Contains(
                  "quorumwatch_alert_unknown{alertname=\"A\",member=\"a\",system=\"s\",target=\"t\"} 1"));
  bench.health.targets[0].silent.clear();
  bench.step(3);
  EXPECT_EQ(firing(), "AB");
  bench.step(4);
  EXPECT_EQ(firing(), "");
}

TEST(RuleEngine, UnchangedAlertsAreMadeOnceAndChangedOnesAnew) {
  Bench bench("  - {alert: A, expr: m > 0, annotations: {s: '{{ $value }}', n: '{{ $labels.x }}'}}\n");
  bench.add("m{x=\"1\"} 1 1 2 2");
  bench.add("m{x=\"2\"} 1 1 1 0");
  AlertView::Made made;
  std::vector<std::vector<AlertPtr>> seen;
  for (int second = 0; second < 4; ++second) {
    bench.step(second);
    seen.push_back(bench.engine.view().alerts(kStart, {}, made));
    ASSERT_EQ(seen.back().size(), 2U);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_NE(seen[1][0], seen[2][0]);
  EXPECT_EQ(seen[2][0]->annotations.get("s"), "2");
  EXPECT_EQ(seen[1][1], seen[2][1]);
  EXPECT_EQ(seen[2][0], seen[3][0]);
  EXPECT_NE(seen[3][1]->ends_at, std::nullopt);
}

TEST(RuleEngine, AViewStaysAsItWas) {
  Bench bench("  - {alert: A, expr: m > 0}\n");
  bench.add("m{x=\"1\"} 1 0");
  bench.step(0);
  const auto view = bench.engine.view();
  bench.step(1);
  EXPECT_EQ(view.count().firing, 1U);
  EXPECT_EQ(bench.engine.view().count().firing, 0U);
  EXPECT_EQ(view.save(kStart).rules.at(0).alerts.at(0).state, AlertState::firing);
}

TEST(RuleEngine, GivesAlertmanagerWhatFiresAndWhatEnded) {
  Bench bench("  - {alert: A, expr: m > 0, annotations: {s: '{{ $value }}'}}\n");
  bench.add("m{x=\"1\"} 1 0");
  bench.step(0);
  const auto offset = std::chrono::hours(1);
  auto alerts = bench.engine.alerts(kStart, offset);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0]->starts_at, WallTime(std::chrono::milliseconds(kStart) + offset));
  EXPECT_EQ(alerts[0]->ends_at, std::nullopt);
  EXPECT_EQ(alerts[0]->generator_url, "http://here:1/graph?g0.expr=m+%3E+0&g0.tab=1");
  bench.step(1);
  alerts = bench.engine.alerts(kStart + 1000, offset);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0]->ends_at, WallTime(std::chrono::milliseconds(kStart + 1000) + offset));
}

TEST(RuleEngine, AReloadKeepsAlertsAndEndsThoseOfRulesThatAreGone) {
  Bench bench("  - {alert: A, expr: m > 0}\n  - {alert: B, expr: m > 0}\n");
  bench.add("m{x=\"1\"} 1x20");
  bench.step(0);
  bench.engine.replace(groups("  - {alert: A, expr: m >= 1}\n"), settings(), kStart + 1000);
  auto alerts = bench.engine.alerts(kStart + 1000, {});
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0]->labels.get("alertname"), "A");
  EXPECT_EQ(alerts[0]->ends_at, std::nullopt);
  EXPECT_EQ(alerts[0]->starts_at, WallTime(std::chrono::milliseconds(kStart)));
  EXPECT_EQ(alerts[1]->labels.get("alertname"), "B");
  EXPECT_EQ(alerts[1]->ends_at, WallTime(std::chrono::milliseconds(kStart + 1000)));
}

TEST(RuleEngine, ARestartTakesOverWhatWasAndEndsWhatEndedMeanwhile) {
  const std::string rules = "  - {alert: A, expr: m > 0, for: 10s}\n  - {alert: B, expr: n > 0}\n";
  Bench before(rules);
  before.add("m{x=\"1\"} 1x60");
  before.add("n{x=\"1\"} 1x60");
  before.step(0);
  before.step(8);
  auto state = before.engine.save(kStart + 8000);
  // Down for 2 s, within one boot; n has become 0 meanwhile.
  state.boot_id = "b";
  state.boot_time = 100'000;
  auto read = decode_state(encode_state(state));
  ASSERT_TRUE(read);
  resume_state(*read, kStart + 10'000, "b", 102'000);
  Bench after(rules);
  after.health.since = kStart + 10'000;
  after.engine.restore(std::move(*read), kStart + 10'000);
  after.source.add(*promql::parse_series("m{x=\"1\"} 1x60"), kStart, 1000);
  after.source.add(*promql::parse_series("n{x=\"1\"} 0x60"), kStart, 1000);
  after.step(10);
  const auto alerts = after.engine.alerts(kStart + 10'000, {});
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0]->labels.get("alertname"), "A");
  EXPECT_EQ(alerts[0]->ends_at, std::nullopt);
  EXPECT_EQ(alerts[1]->labels.get("alertname"), "B");
  EXPECT_NE(alerts[1]->ends_at, std::nullopt);
}

TEST(RuleEngine, KnowsWhichGroupsLookAtATarget) {
  RuleEngine engine;
  auto all = groups("  - {record: a, expr: 'm{system=\"etcd\"}'}\n");
  for (auto& group : groups("  - {record: b, expr: '{__name__=~\"n.*\"}'}\n", "s.yml"))
    all.push_back(std::move(group));
  for (auto& group : groups("  - {record: c, expr: '1'}\n", "t.yml")) all.push_back(std::move(group));
  engine.replace(std::move(all), settings(), kStart);
  EXPECT_THAT(engine.groups_of({.system = "etcd", .name = "x"}, {"m"}), ElementsAre(0));
  EXPECT_THAT(engine.groups_of({.system = "redis", .name = "x"}, {"m", "nn"}), ElementsAre(1));
  EXPECT_TRUE(engine.groups_of({.system = "etcd", .name = "x"}, {"other"}).empty());
  EXPECT_EQ(engine.reach(), 300'000);
}

TEST(RuleEngine, ExplainsWhyAnAlertFiresOrNot) {
  Bench bench("  - {alert: A, expr: m > 0 and nothing, for: 10s}\n  - {alert: B, expr: m > 0}\n");
  bench.add("m{x=\"1\"} 2");
  bench.step(0);
  const auto explain = [&](std::string_view alert) {
    return explain_alert(bench.engine, alert, bench.source, {}, kStart, {});
  };
  EXPECT_TRUE(explain("A").contains("the expression has no result: there are no series of nothing"));
  EXPECT_TRUE(explain("A").contains("      = m{x=\"1\"} 2\n")) << explain("A");
  EXPECT_TRUE(explain("B").contains("firing since 1970-01-01 00:16:40 +0000 UTC")) << explain("B");
  EXPECT_EQ(explain("C"), "");
}

/// Two daemons with the same rules: the first lets a target go, the second takes it.
TEST(RuleEngine, AnAlertGoesFromOneDaemonToTheNextWithoutAnEnd) {
  const std::string rules = "  - {alert: A, expr: lag > 5, for: 10s}\n";
  const TargetId target{.system = "s", .name = "t"};
  Bench first(rules), second(rules);
  first.add("lag{system=\"s\",target=\"t\"} 9x30");
  first.add("lag{system=\"s\",target=\"other\"} 9x30");
  for (int i = 0; i <= 12; ++i) first.step(i);
  ASSERT_EQ(first.engine.alerts(kStart + 12'000, {}).size(), 2U);

  auto saved = first.engine.view().save(kStart + 12'000, target);
  ASSERT_EQ(saved.rules.size(), 1U);
  ASSERT_EQ(saved.rules[0].alerts.size(), 1U) << "those of the other target stay";
  auto read = decode_state(encode_state(saved));
  ASSERT_TRUE(read);
  first.engine.let_go(target, kStart + 12'000);
  const auto left = first.engine.alerts(kStart + 12'000, {});
  ASSERT_EQ(left.size(), 2U);
  for (const auto& alert : left) {
    EXPECT_FALSE(alert->ends_at) << "nothing has ended";
    EXPECT_EQ(alert->handed_over, alert->labels.get("target") == "t");
  }
  EXPECT_TRUE(first.engine.is_handed_over({{"alertname", "A"}, {"system", "s"}, {"target", "t"}}));
  EXPECT_EQ(first.engine.alerts(kStart + 12'000 + kResolvedRetention + 1, {}).size(), 1U);

  second.engine.adopt(std::move(*read), target);
  const auto taken = second.engine.alerts(kStart + 12'000, {});
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_FALSE(taken[0]->handed_over);
  EXPECT_EQ(taken[0]->starts_at, left[1]->starts_at);
  second.health.targets = {
      {.system = "s", .target = "t", .answered = true, .names = nullptr, .taken_at = kStart + 12'000}};
  second.step(13);
  EXPECT_FALSE(second.engine.alerts(kStart + 13'000, {})[0]->ends_at) << "not yet watched for long enough";

  first.engine.adopt(second.engine.view().save(kStart + 13'000, target), target);
  EXPECT_FALSE(first.engine.is_handed_over({{"alertname", "A"}, {"system", "s"}, {"target", "t"}}))
      << "back again";
}

TEST(RuleEngine, AlertsOfOtherTargetsAreNotAdopted) {
  const std::string rules = "  - {alert: A, expr: lag > 5}\n";
  Bench first(rules), second(rules);
  first.add("lag{system=\"s\",target=\"t\"} 9x30");
  first.step(0);
  second.engine.adopt(first.engine.save(kStart), {.system = "s", .name = "another"});
  EXPECT_TRUE(second.engine.alerts(kStart, {}).empty());
}

}  // namespace
}  // namespace qw::rules
