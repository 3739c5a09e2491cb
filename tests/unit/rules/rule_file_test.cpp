#include "daemon/rules/rule_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace qw::rules {
namespace {

using testing::ElementsAre;

std::vector<std::string> problems(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& problem : read_rule_file(text, "r.yml").problems) out.push_back(problem.print());
  return out;
}

TEST(RuleFile, ReadsAllThatAGroupCanHave) {
  const auto file = read_rule_file(R"(groups:
- name: g
  interval: 30s
  limit: 3
  query_offset: 1m
  labels: {team: db, severity: low}
  rules:
  - record: job:x:rate5m
    expr: sum by (job) (rate(x_total[5m]))
    labels: {a: "{{ plain }}"}
  - alert: A
    expr: |
      x > 1
    for: 5m
    keep_firing_for: 1h
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }}"}
)",
                                   "r.yml");
  ASSERT_TRUE(file.problems.empty()) << file.problems[0].print();
  const auto& group = file.groups.at(0);
  EXPECT_EQ(group.interval, 30'000);
  EXPECT_EQ(group.limit, 3U);
  EXPECT_EQ(group.query_offset, 60'000);
  EXPECT_EQ(print_labels_of(*group.rules.at(0)), "a={{ plain }},severity=low,team=db");
  const auto& alert = *group.rules.at(1);
  EXPECT_EQ(print_labels_of(alert), "severity=page,team=db");
  EXPECT_EQ(alert.hold, 300'000);
  EXPECT_EQ(alert.keep_firing, 3'600'000);
}

TEST(RuleFile, TellsEveryProblemAtItsPlace) {
  EXPECT_THAT(
      problems(R"(groups:
- name: g
  intervall: 1m
  rules:
  - alert: A
    record: b
    expr: up ==
  - record: "x{y}"
    expr: up
    for: 5m
    annotations: {a: b}
  - expr: up
  - alert: B
    expr: up
    for: 5
    labels: {"1a": x, ok: "{{ $label.foo }}", __name__: n}
    annotations:
      summary: "{{ nofunc }}"
- name: g
  rules:
  - alert: C
    expr: "up[5m]"
)"),
      ElementsAre(
          "r.yml:3:3: groups[0]: unknown key 'intervall'; did you mean 'interval'?",
          "r.yml:6:13: groups[0].rules[0].record: only one of 'record' and 'alert' must be set",
          testing::StartsWith("r.yml:7:16: groups[0].rules[0].expr: could not parse expression: 1:6: parse "
                              "error: "),
          "r.yml:8:13: groups[0].rules[1].record: braces in the name of a recording rule: 'x{y}'; should it "
          "be "
          "in expr?",
          "r.yml:10:10: groups[0].rules[1].for: invalid field 'for' in a recording rule",
          "r.yml:11:18: groups[0].rules[1].annotations: invalid field 'annotations' in a recording rule",
          "r.yml:12:5: groups[0].rules[2]: one of 'record' or 'alert' must be set",
          "r.yml:15:10: groups[0].rules[3].for: expected a duration such as 30s, 5m or 1h30m, got '5'",
          "r.yml:16:14: groups[0].rules[3].labels.1a: invalid label name: '1a'",
          "r.yml:16:31: groups[0].rules[3].labels.ok: template: undefined variable \"$label\"",
          "r.yml:16:47: groups[0].rules[3].labels.__name__: invalid label name: '__name__'",
          "r.yml:18:20: groups[0].rules[3].annotations.summary: template: function \"nofunc\" not defined",
          "r.yml:19:9: groups[1].name: there is another group of this name in line 2",
          "r.yml:22:11: groups[1].rules[0].expr: the result of a rule must be an instant vector or a scalar, "
          "this is a range vector"));
}

TEST(RuleFile, FindsThePlaceInABlock) {
  EXPECT_THAT(
      problems("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up > 1\n      and rat(x)\n"),
      ElementsAre(
          testing::StartsWith("r.yml:7:11: groups[0].rules[0].expr: could not parse expression: 2:5: ")));
}

TEST(RuleFile, AnEmptyFileHasNoGroups) {
  EXPECT_TRUE(read_rule_file("", "r.yml").groups.empty());
  EXPECT_TRUE(problems("").empty());
  EXPECT_TRUE(problems("groups: []\n").empty());
}

TEST(RuleFile, FindsDuplicates) {
  const auto file = read_rule_file(
      "groups:\n- name: g\n  rules:\n  - {record: a, expr: '1'}\n  - {record: a, expr: '2'}\n  - {record: a, "
      "expr: '1', "
      "labels: {x: y}}\n",
      "r.yml");
  const auto found = find_duplicate_rules(file.groups);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].print(), "r.yml:5:5: duplicate rule a: the one in line 4 has the same labels");
}

TEST(RuleFile, AgreesWithPromtoolOnItsOwnFiles) {
  const auto root = std::filesystem::path(QW_SOURCE_DIR) / "../shared";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "needs ../shared";
  const auto verdict = [&](const std::string& name) {
    std::ifstream in(root / name);
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return read_rule_file(text.str(), name).problems.empty();
  };
  const std::string promtool = "promql/cmd/promtool/testdata/";
  for (const auto& name : {"rules.yml", "rules_duplicates.yml", "prometheus-rules.lint.yml",
                           "rules_large.yml", "at-modifier.yml", "negative-offset.yml"}) {
    EXPECT_TRUE(verdict(promtool + name)) << name;
  }
  for (const auto& name : {"rules-bad.yml", "bad-rules-syntax.yml", "rules_extrafields.yml"}) {
    EXPECT_FALSE(verdict(promtool + name)) << name;
  }
  EXPECT_FALSE(verdict("promql/rules/fixtures/invalid_rules.yaml"));
  for (const auto& name :
       {"promql/rules/fixtures/rules_chain.yaml", "promql/rules/fixtures/alert_rule.yaml",
        "compliance/alert_generator/rules.yaml", "promtool_tests/cmo/rules.yaml",
        "promtool_tests/kubernetes-mixin/prometheus_alerts.yaml", "alerting/golden/rules_used.yml"}) {
    EXPECT_TRUE(verdict(name)) << name;
  }
}

}  // namespace
}  // namespace qw::rules
