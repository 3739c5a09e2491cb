#include "daemon/export/api_rules.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/rules/scripted_source.hpp"

namespace qw::exporting {
namespace {

namespace json = boost::json;

/// Times differ from run to run; everything else must not.
void without_times(json::value& value) {
  if (auto* object = value.if_object()) {
    for (auto& [key, inner] : *object) {
      if (key == "activeAt" || key == "lastEvaluation" || key == "evaluationTime") {
        inner = nullptr;
      } else {
        without_times(inner);
      }
    }
  }
  if (auto* array = value.if_array()) {
    for (auto& inner : *array) without_times(inner);
  }
}

/// The engine after the story in which the golden files were taken from Prometheus.
class ApiRules : public testing::Test {
 protected:
  ApiRules() {
    const std::string rules =
        "groups:\n- name: g\n  rules:\n"
        "  - {alert: A1, expr: 'm > 0', for: 4s, labels: {severity: page, tl: 'v-{{ $labels.a }}'}, "
        "annotations: {s: '{{ "
        "$labels }} {{ $value }} {{ $labels.nope }} {{ $value | humanize }}'}}\n"
        "  - {alert: A2, expr: 'vector(time() % 20) < 10', annotations: {d: '{{ $value }}'}}\n"
        "  - {alert: A3, expr: '1', annotations: {d: 'const'}}\n";
    rules::GroupSettings settings;
    settings.interval = 2000;
    settings.external_labels = std::make_shared<const Labels>();
    engine_.replace(rules::read_rule_file(rules, "r.yml").groups, settings, kStart);
    for (const auto* series : {"m{a=\"x\",instance=\"127.0.0.1:19999\",job=\"j\"} 1x9",
                               "m{a=\"y\",instance=\"127.0.0.1:19999\",job=\"j\"} 2.5x9"}) {
      source_.add(*promql::parse_series(series), kStart, 1000);
    }
    for (rules::Millis at = kStart; at <= kStart + 6000; at += 2000) {
      source_.advance(at);
      engine_.group(0).evaluate(source_, at, {});
    }
  }

  /// The body with times taken out, as sorted text.
  static json::value comparable(const std::string& body) {
    auto value = json::parse(body);
    without_times(value);
    return value;
  }
  static json::value golden(const std::string& name) {
    std::ifstream in(std::filesystem::path(QW_SOURCE_DIR) / "../shared/alerting/golden" / name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str().empty() ? json::value() : comparable(text.str());
  }

  static constexpr rules::Millis kStart =
      1'700'000'010'000;  // the first ten seconds of twenty are over at the end
  rules::RuleEngine engine_;
  rules::ScriptedSource source_;
};

TEST_F(ApiRules, RulesAreThoseOfPrometheus) {
  const auto expected = golden("prometheus242_api_v1_rules.json");
  if (expected.is_null()) GTEST_SKIP() << "needs ../shared/alerting";
  EXPECT_EQ(comparable(rules_json(engine_, {}, {})), expected) << rules_json(engine_, {}, {});
}

TEST_F(ApiRules, AlertsAreThoseOfPrometheus) {
  auto expected = golden("prometheus242_api_v1_alerts.json");
  if (expected.is_null()) GTEST_SKIP() << "needs ../shared/alerting";
  // Prometheus lists them in the order of a hash.
  auto& alerts = expected.at("data").at("alerts").as_array();
  std::ranges::sort(alerts, {}, [](const json::value& alert) { return json::serialize(alert.at("labels")); });
  EXPECT_EQ(comparable(alerts_json(engine_, {})), expected) << alerts_json(engine_, {});
}

TEST_F(ApiRules, FiltersAsPrometheusDoes) {
  const auto names = [&](std::string_view query) {
    const auto parsed = parse_rules_query(query);
    if (!parsed) return std::string("refused");
    std::string out;
    const auto body = json::parse(rules_json(engine_, *parsed, {}));
    for (const auto& group : body.at("data").at("groups").as_array()) {
      for (const auto& rule : group.at("rules").as_array())
        out += std::string(rule.at("name").as_string()) + " ";
    }
    return out;
  };
  EXPECT_EQ(names(""), "A1 A2 A3 ");
  EXPECT_EQ(names("type=alert"), "A1 A2 A3 ");
  EXPECT_EQ(names("type=record"), "");
  EXPECT_EQ(names("type=x"), "refused");
  EXPECT_EQ(names("rule_name[]=A2&rule_name%5B%5D=A3"), "A2 A3 ");
  EXPECT_EQ(names("rule_group[]=other"), "");
  EXPECT_EQ(names("file[]=r.yml"), "A1 A2 A3 ");
}

TEST(Rfc3339Nano, WritesTimesAsGo) {
  const auto at = [](std::int64_t ns) { return rfc3339_nano(WallTime(Nanoseconds(ns))); };
  EXPECT_EQ(at(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(at(1'795'213'471'730'914'610), "2026-11-20T22:24:31.73091461Z");
}

}  // namespace
}  // namespace qw::exporting
