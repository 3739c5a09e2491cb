// Rules as a user of the program meets them: the three commands, the API, and a reload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/flags.hpp"
#include "daemon/state_store.hpp"
#include "tests/unit/app/support.hpp"

namespace qw {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Child;
using test::http;
using test::TempFolder;
using testing::HasSubstr;
using testing::Not;

constexpr auto kRules =
    "groups:\n- name: g\n  rules:\n  - record: job:targets:count\n    expr: "
    "count(quorumwatch_probe_success)\n"
    "  - alert: Down\n    expr: quorumwatch_probe_success == 0\n    annotations: {summary: '{{ "
    "$labels.target }} is down'}\n"
    "  - alert: Later\n    expr: vector(1)\n    for: 1h\n";

/// Asks until the body says it.
bool comes_to_say(const std::string& address, const std::string& path, const std::string& text) {
  const auto limit = steady_clock::now() + seconds(20);
  while (steady_clock::now() < limit) {
    if (http(address, "GET", path).body.contains(text)) return true;
    usleep(5000);
  }
  return false;
}

TEST(Rules, AreEvaluatedExportedExplainedAndReloaded) {
  const TempFolder folder;
  const auto rules = folder.write("a.rules.yml", kRules);
  const auto config =
      folder.write("q.yml", "targets:\n  - {system: redis, name: nobody, members: ['127.0.0.1:" +
                                std::to_string(test::closed_port()) +
                                "'], interval: 100ms, timeout: 80ms}\nrules: {files: ['*.rules.yml'], "
                                "interval: 200ms}\n");
  Child daemon({"run", "--config.file=" + config, "--web.listen-address=127.0.0.1:0"});
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  EXPECT_TRUE(comes_to_say(address, "/api/v1/alerts", "nobody is down"));
  EXPECT_TRUE(comes_to_say(address, "/metrics", "\njob:targets:count 1\n"));
  EXPECT_TRUE(comes_to_say(
      address, "/metrics",
      "\nALERTS{alertname=\"Down\",alertstate=\"firing\",system=\"redis\",target=\"nobody\"} 1\n"));
  EXPECT_TRUE(comes_to_say(address, "/metrics", "\nALERTS{alertname=\"Later\",alertstate=\"pending\"} 1\n"));
  EXPECT_THAT(http(address, "GET", "/api/v1/targets").body, Not(HasSubstr("ALERTS")));
  EXPECT_THAT(http(address, "GET", "/api/v1/rules?type=record").body, Not(HasSubstr("Later")));
  EXPECT_EQ(http(address, "GET", "/api/v1/rules?type=x").status, 400);
  EXPECT_EQ(http(address, "POST", "/api/v1/rules").status, 404);

  Child explain({"explain", "Down", "--web.listen-address=" + address});
  EXPECT_EQ(explain.wait_exit(), 0) << explain.output();
  EXPECT_THAT(explain.output(),
              HasSubstr("quorumwatch_probe_success{system=\"redis\", target=\"nobody\"} 0"));
  EXPECT_THAT(explain.output(), HasSubstr("firing since "));
  Child nothing({"explain", "Dwn", "--web.listen-address=" + address});
  EXPECT_EQ(nothing.wait_exit(), 1);
  EXPECT_THAT(nothing.output(), HasSubstr("did you mean 'Down'?"));

  // A bad rule file refuses the whole reload.
  const auto bad =
      folder.write("b.rules.yml", "groups:\n- name: b\n  rules:\n  - {alert: B, expr: 'up =='}\n");
  const auto refused = http(address, "POST", "/-/reload");
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("b.rules.yml:4:"));
  EXPECT_THAT(http(address, "GET", "/api/v1/rules").body, HasSubstr("\"Later\""));
  // Alerts live on over a reload; those of rules that are gone do not.
  folder.write("b.rules.yml", "groups:\n- name: b\n  rules:\n  - {alert: B, expr: vector(1)}\n");
  folder.write("a.rules.yml", "groups: []\n");
  EXPECT_EQ(http(address, "POST", "/-/reload").status, 200);
  EXPECT_TRUE(comes_to_say(address, "/metrics", "\nALERTS{alertname=\"B\",alertstate=\"firing\"} 1\n"));
  EXPECT_THAT(http(address, "GET", "/metrics").body, Not(HasSubstr("alertname=\"Later\"")));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(Rules, AreCheckedAndTestedByCommands) {
  const TempFolder folder;
  const auto rules = folder.write("r.yml", kRules);
  Child good({"check-rules", rules});
  EXPECT_EQ(good.wait_exit(), 0);
  EXPECT_THAT(good.output(), HasSubstr("1 files good, 3 rules, 0 warnings"));
  const auto dead = folder.write(
      "dead.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: quorumwatch_leader > 1}\n");
  Child warned({"check-rules", dead, "--lint=fatal"});
  EXPECT_EQ(warned.wait_exit(), 3);
  EXPECT_THAT(warned.output(), HasSubstr("did you mean 'quorumwatch_leaders'?"));
  const auto bad = folder.write("bad.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up =='}\n");
  Child refused({"check-rules", rules, bad});
  EXPECT_EQ(refused.wait_exit(), 2);
  EXPECT_THAT(refused.output(), HasSubstr("bad.yml:4:"));

  const auto test = [&](const std::string& pending) {
    return folder.write("t.yml",
                        "rule_files: [r.yml]\nevaluation_interval: 1m\ntests:\n- alert_rule_test:\n"
                        "  - {alertname: Later, eval_time: 10m, exp_alerts: [], exp_pending: " +
                            pending + "}\n");
  };
  Child passes({"test-rules", test("[{}]")});
  EXPECT_EQ(passes.wait_exit(), 0) << passes.output();
  EXPECT_THAT(passes.output(), HasSubstr("SUCCESS, 1 test groups, 2 expectations"));
  Child fails({"test-rules", test("[]")});
  EXPECT_EQ(fails.wait_exit(), 1);
  EXPECT_THAT(fails.output(), HasSubstr("alertname: Later, time: 10m, pending"));
}

TEST(Rules, CommandsNeedTheirArguments) {
  const auto refused = [](const std::vector<std::string_view>& args) {
    const auto flags = parse_flags(args);
    return flags ? "" : flags.error().message();
  };
  EXPECT_EQ(refused({"check-rules"}), "check-rules needs a file");
  EXPECT_EQ(refused({"explain"}), "explain needs the name of an alert");
  EXPECT_EQ(refused({"explain", "A", "B"}), "unexpected argument 'B'");
  EXPECT_EQ(refused({"test-rules", "a", "--promql.version=4"}), "--promql.version: expected 2 or 3, got '4'");
  EXPECT_EQ(refused({"test-rules", "a", "b"}), "");
}

TEST(StateStore, SetsAsideWhatIsDamaged) {
  const TempFolder folder;
  const auto file = folder.write("alerts.state", "garbage");
  const StateStore store(file.substr(0, file.rfind('/')));
  const auto damaged = store.load();
  ASSERT_TRUE(damaged);
  EXPECT_FALSE(damaged->state);
  EXPECT_EQ(damaged->set_aside, "no alert state of this version");
  rules::SavedState state;
  state.at = 7;
  ASSERT_TRUE(store.save(state));
  const auto read = store.load();
  ASSERT_TRUE(read);
  EXPECT_EQ(*read->state, state);
  EXPECT_FALSE(StateStore("/nowhere/at/all").save(state));
}

}  // namespace
}  // namespace qw
