#include "config/alerting.hpp"

#include <gtest/gtest.h>

#include "config/config.hpp"
#include "tests/unit/config/scratch_folder.hpp"

namespace qw::config {
namespace {

Loaded load(const std::string& text) {
  return load_text("targets: []\n" + text, "/tmp/quorumwatch.yml", {});
}

std::string problems(const std::string& text) {
  std::string out;
  for (const auto& problem : load(text).problems) out += problem.print() + "\n";
  return out;
}

TEST(Alerting, IsReadWithItsDefaults) {
  const auto loaded = load(R"(
alertmanagers:
  - url: http://10.0.8.1:9093
  - {url: "https://am.example/team", timeout: 2s, tls: {}, username: monitor, password_file: "env:HOME"}
alerting:
  external_labels: {cluster: c1, replica: "0"}
  relabel:
    - {source_labels: [severity], regex: none, action: drop}
)");
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems.front().print();
  const auto& alerting = loaded.config.alerting;
  ASSERT_EQ(alerting.alertmanagers.size(), 2U);
  EXPECT_EQ(alerting.alertmanagers[0].timeout, std::chrono::seconds(5));
  EXPECT_TRUE(alerting.alertmanagers[1].tls.enabled);
  EXPECT_FALSE(alerting.alertmanagers[1].password.value.empty());
  EXPECT_EQ(alerting.external_labels.at("replica"), "0");
  ASSERT_EQ(alerting.relabel.size(), 1U);
  EXPECT_EQ(alerting.relabel[0].separator, ";");
  EXPECT_EQ(alerting.mode, "primary");
  EXPECT_TRUE(alerting.watchdog);
  EXPECT_TRUE(load("").config.alerting.alertmanagers.empty());
}

TEST(Alerting, TellsEveryProblemAtItsPlace) {
  EXPECT_EQ(problems(R"(alertmanagers:
  - {url: "10.0.8.1:9093"}
  - {timeout: 1s}
  - {url: "http://a", tls: {}}
  - {url: "http://a", username: u, bearer_token_file: "env:HOME"}
)"),
            "/tmp/quorumwatch.yml:3:11: alertmanagers[0].url: expected an address such as http://host:port\n"
            "/tmp/quorumwatch.yml:4:5: alertmanagers[1]: missing key 'url'\n"
            "/tmp/quorumwatch.yml:5:28: alertmanagers[2].tls: the url does not say https\n"
            "/tmp/quorumwatch.yml:6:55: alertmanagers[3].bearer_token_file: either username or "
            "bearer_token_file, not both\n");
  EXPECT_EQ(problems(R"(alerting:
  mode: shadow
  external_labels: {a-b: x, c: [1]}
  relabel: [{action: replace}, {action: keep, regex: "("}, {action: hashmod}]
  resend_interval: 10m
  watchdg: true
)"),
            "/tmp/quorumwatch.yml:3:9: alerting.mode: shadow needs alerting.prometheus\n"
            "/tmp/quorumwatch.yml:4:32: alerting.external_labels.c: expected a text, got a list\n"
            "/tmp/quorumwatch.yml:5:22: alerting.relabel[0].action: replace needs target_label\n"
            "/tmp/quorumwatch.yml:5:54: alerting.relabel[1].regex: missing ): (\n"
            "/tmp/quorumwatch.yml:5:69: alerting.relabel[2].action: expected one of replace, keep, drop, "
            "labeldrop, labelkeep, "
            "labelmap, lowercase, uppercase, got 'hashmod'\n"
            "/tmp/quorumwatch.yml:6:20: alerting.resend_interval: must lie between 1s and 2m\n"
            "/tmp/quorumwatch.yml:7:3: alerting: unknown key 'watchdg'; did you mean 'watchdog'?\n");
  EXPECT_NE(problems("alerting: {external_labels: {a-b: x}}").find("'a-b' is not the name of a label"),
            std::string::npos);
}

}  // namespace
}  // namespace qw::config
