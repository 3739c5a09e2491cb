#include "daemon/rules/rule_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace qw::rules {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array kFamilies{
    MetricFamily{"quorumwatch_leaders", MetricType::gauge, "Leaders.", ""},
    MetricFamily{"quorumwatch_rtt_seconds", MetricType::histogram, "Times.", "member"}};

/// The findings about one alert.
std::vector<std::string> findings(const std::string& expr, const std::string& summary = "x") {
  const auto file = read_rule_file(
      "groups:\n- name: g\n  rules:\n  - record: job:own\n    expr: '1'\n  - alert: A\n    expr: " + expr +
          "\n    annotations:\n      summary: '" + summary + "'\n",
      "r.yml");
  EXPECT_TRUE(file.problems.empty()) << file.problems[0].print();
  std::vector<std::string> out;
  for (const auto& finding : check_rules(file.groups, kFamilies, 3'600'000)) out.push_back(finding.print());
  return out;
}

TEST(RuleCheck, FindsSelectorsThatMatchNothing) {
  EXPECT_THAT(findings("quorumwatch_leaders > rate(quorumwatch_rtt_seconds_bucket[5m]) or job:own or ALERTS"),
              IsEmpty());
  EXPECT_THAT(
      findings("quorumwatch_leader > 1"),
      ElementsAre("r.yml:7:11: A: quorumwatch_leader matches no metric of this daemon and of no recording "
                  "rule; did you mean 'quorumwatch_leaders'?"));
  EXPECT_THAT(findings("'{__name__=~\"quorumwatch_.*\"} > 1'"), IsEmpty());
  EXPECT_THAT(findings("'{__name__=~\"node_.*\"} > 1'").size(), 1U);
}

TEST(RuleCheck, FindsLabelsThatTheAggregationRemoved) {
  const std::string removed =
      "r.yml:9:16: A: summary uses $labels.member, which the expression's result never has";
  EXPECT_THAT(findings("quorumwatch_leaders > 1", "{{ $labels.member }}"), IsEmpty());
  EXPECT_THAT(findings("sum by (system) (quorumwatch_leaders) > 1", "{{ $labels.system }}"), IsEmpty());
  EXPECT_THAT(findings("sum by (system) (quorumwatch_leaders) > 1", "{{ $labels.member }}"),
              ElementsAre(removed));
  EXPECT_THAT(
      findings("quorumwatch_leaders * on (target) group_left quorumwatch_leaders", "{{ $labels.member }}"),
      IsEmpty());
  EXPECT_THAT(findings("quorumwatch_leaders / on (target) quorumwatch_leaders", "{{ $labels.member }}"),
              ElementsAre(removed));
  EXPECT_THAT(findings("max(quorumwatch_leaders) > bool 1", "{{ with .Labels.member }}{{ end }}"),
              ElementsAre(removed));
  EXPECT_THAT(findings("vector(1)", "{{ $labels.member }}"), ElementsAre(removed));
  EXPECT_THAT(findings("label_replace(sum(quorumwatch_leaders), \"member\", \"x\", \"\", \"\")",
                       "{{ $labels.member }}"),
              IsEmpty());
}

TEST(RuleCheck, FindsRangesLongerThanWhatIsKept) {
  EXPECT_THAT(findings("increase(quorumwatch_leaders[1h]) > 1"), IsEmpty());
  EXPECT_THAT(findings("increase(quorumwatch_leaders[50m] offset 20m) > 1"),
              ElementsAre("r.yml:7:11: A: looks back 1h10m, longer than the 1h that are kept"));
}

}  // namespace
}  // namespace qw::rules
