#include "daemon/rules/rule_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace qw::rules {
namespace {

namespace fs = std::filesystem;

const fs::path kShared = fs::path(QW_SOURCE_DIR) / "../shared";

std::string slurp(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

RuleTestOutcome run(const std::string& text, const fs::path& file, RuleTestOptions options = {}) {
  const RuleTestFiles files{.expand =
                                [&](const std::string& pattern) {
                                  return std::vector<std::string>{(file.parent_path() / pattern).string()};
                                },
                            .read = [](const std::string& name) -> Result<std::string> {
                              if (!fs::exists(name)) return fail(ErrorKind::config, name + ": no such file");
                              return slurp(name);
                            }};
  return run_rule_tests(text, file.string(), files, options);
}

std::string all_of(const RuleTestOutcome& outcome) {
  std::string out;
  for (const auto& problem : outcome.problems) out += problem.print() + "\n";
  for (const auto& failure : outcome.failures) out += failure + "\n";
  return out;
}

std::vector<fs::path> upstream() {
  std::vector<fs::path> out;
  const auto root = kShared / "promtool_tests";
  if (!fs::exists(root)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const bool is_test = entry.is_regular_file() && entry.path().extension() == ".yaml" &&
                         slurp(entry.path()).contains("rule_files:");
    if (is_test) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

// promtool 2.42 passes all 19; promtool 3.15 fails two, whose expectations count the left end of a range.
TEST(RuleTest, AgreesWithPromtoolOnUpstreamFiles) {
  const auto files = upstream();
  if (files.empty()) GTEST_SKIP() << "needs ../shared/promtool_tests";
  EXPECT_EQ(files.size(), 19U);
  for (const auto& file : files) {
    const auto outcome = run(slurp(file), file, {.prometheus2 = true});
    EXPECT_TRUE(outcome.passed()) << file << "\n" << all_of(outcome);
    EXPECT_GT(outcome.expectations, 0U) << file;
  }
  for (const auto* name : {"cmo/bz1974830.yaml", "etcd/test.yaml"}) {
    const auto file = kShared / "promtool_tests" / name;
    EXPECT_EQ(run(slurp(file), file).failures.size(), 1U) << file;
  }
}

TEST(RuleTest, AgreesWithPromtoolOnItsOwnFiles) {
  const auto root = kShared / "promql/cmd/promtool/testdata";
  if (!fs::exists(root)) GTEST_SKIP() << "needs ../shared/promql";
  for (const auto* name : {"long-period.yml", "start-time-test.yml", "no-test-group-interval.yml",
                           "at-modifier-test.yml", "negative-offset-test.yml"}) {
    const auto outcome = run(slurp(root / name), root / name);
    EXPECT_TRUE(outcome.passed()) << name << "\n" << all_of(outcome);
  }
  for (const auto* name :
       {"failing.yml", "bad-input-series.yml", "bad-promql.yml", "bad-rules-error-test.yml",
        "bad-rules-syntax-test.yml", "rules_run.yml", "rules_run_no_fuzzy.yml", "rules_run_fuzzy.yml"}) {
    EXPECT_FALSE(run(slurp(root / name), root / name).passed()) << name;
  }
}

/// A test group over one rule file that holds `rules`.
RuleTestOutcome run_own(const std::string& rules, const std::string& test) {
  const RuleTestFiles files{
      .expand = [](const std::string& pattern) { return std::vector<std::string>{pattern}; },
      .read = [&](const std::string&) -> Result<std::string> {
        return "groups:\n- name: g\n  rules:\n" + rules;
      }};
  return run_rule_tests("rule_files: [r.yml]\nevaluation_interval: 1m\ntests:\n" + test, "t.yml", files);
}

TEST(RuleTest, AssertsPendingAlerts) {
  const std::string rules = "  - {alert: A, expr: m > 0, for: 5m}\n";
  const std::string test =
      "- input_series: [{series: 'm{a=\"b\"}', values: 1x10}]\n"
      "  alert_rule_test: [{alertname: A, eval_time: 4m, exp_alerts: [], exp_pending: [{exp_labels: {a: "
      "b}}]}]\n";
  const auto outcome = run_own(rules, test);
  EXPECT_TRUE(outcome.passed()) << all_of(outcome);
  EXPECT_EQ(outcome.expectations, 2U);
  EXPECT_EQ(run_own("  - {alert: A, expr: m > 0}\n", test).failures.size(), 2U);
}

TEST(RuleTest, AssertsUnknownAlerts) {
  const auto test = [](std::string_view no_data) {
    return "- no_data: " + std::string(no_data) +
           "\n  input_series:\n"
           "  - {series: 'm{system=\"etcd\",target=\"x\"}', values: 1x4 stale}\n"
           "  - {series: 'quorumwatch_probe_success{system=\"etcd\",target=\"x\"}', values: 1x4 0x5}\n"
           "  alert_rule_test:\n"
           "  - alertname: A\n"
           "    eval_time: 6m\n"
           "    exp_alerts: [{exp_labels: {system: etcd, target: x}}]\n"
           "    exp_unknown: [{exp_labels: {system: etcd, target: x}}]\n";
  };
  const std::string rules = "  - {alert: A, expr: m > 0}\n";
  EXPECT_TRUE(run_own(rules, test("keep")).passed()) << all_of(run_own(rules, test("keep")));
  EXPECT_EQ(run_own(rules, test("resolve")).failures.size(), 2U);
}

TEST(RuleTest, TellsWhatIsWrongWithTheFile) {
  EXPECT_EQ(
      all_of(run_own("  - {record: a, expr: '1'}\n",
                     "- input_seriez: []\n  promql_expr_test: [{expr: a, eval_time: x}]\n")),
      "t.yml:4:3: tests[0]: unknown key 'input_seriez'; did you mean 'input_series'?\n"
      "t.yml:5:43: tests[0].promql_expr_test[0].eval_time: expected a duration such as 30s, 5m or 1h30m, got "
      "'x'\n");
}

/// The text with one expectation made wrong: each sample's value, then each label of an alert, one at a time.
std::vector<std::string> made_wrong(const std::string& text) {
  std::vector<std::string> out;
  const std::regex value(R"((\n\s*-?\s*value:\s*)['"]?([-0-9.e+]+)['"]?)"),
      severity(R"((severity:\s*["']?)([a-z]+))");
  for (const auto* pattern : {&value, &severity}) {
    for (auto at = std::sregex_iterator(text.begin(), text.end(), *pattern); at != std::sregex_iterator();
         ++at) {
      const auto begin = static_cast<std::size_t>(at->position(2));
      out.push_back(text.substr(0, begin) + (pattern == &value ? "4711" : "wrong") +
                    text.substr(begin + static_cast<std::size_t>(at->length(2))));
    }
  }
  return out;
}

TEST(RuleTest, FailsOnCopiesOfUpstreamFilesWithOneExpectationMadeWrong) {
  const auto files = upstream();
  if (files.empty()) GTEST_SKIP() << "needs ../shared/promtool_tests";
  std::size_t wrong = 0;
  for (const auto& file : files) {
    const auto copies = made_wrong(slurp(file));
    EXPECT_FALSE(copies.empty()) << file;
    if (copies.empty()) continue;
    // One of each: all of them would take minutes.
    const auto outcome = run(wrong % 2 == 0 ? copies.front() : copies.back(), file, {.prometheus2 = true});
    EXPECT_TRUE(outcome.problems.empty());
    EXPECT_EQ(outcome.failures.size(), 1U) << file << "\n" << all_of(outcome);
    ++wrong;
  }
  EXPECT_EQ(wrong, 19U);
}

}  // namespace
}  // namespace qw::rules
