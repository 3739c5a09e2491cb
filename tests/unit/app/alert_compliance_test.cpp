// The cases of the Alert Generator Compliance Specification 1.0, with its own rules: each one's series are
// played over simulated time through the rules, and states, series, API and what Alertmanager is told are
// held against the specification as it is written down here once more. In two things we differ on purpose: a
// firing alert has no endsAt of ours, and one that ended is told until it is acknowledged and not for 15 min
// (facts/reliability-and-security.md 0.2 and 0.3).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "daemon/export/api_rules.hpp"
#include "daemon/notify/alert_json.hpp"
#include "daemon/notify/outbox.hpp"
#include "daemon/rules/rule_engine.hpp"
#include "daemon/rules/scripted_source.hpp"

namespace qw {
namespace {

using namespace std::chrono_literals;
using rules::Millis;

constexpr Millis kStart = 1'700'000'000'000, kInterval = 30'000;

/// What the specification says of one alert, from the instants at which its rule gives it.
struct Expected {
  std::string state = "inactive";
  Millis active_at = 0, fired_at = 0, resolved_at = 0;

  void step(bool given, Millis at, Millis hold) {
    if (!given) {
      if (state == "firing") resolved_at = at;
      if (state == "pending") fired_at = 0;
      state = "inactive";
      return;
    }
    if (state == "inactive") {
      active_at = at;
      fired_at = resolved_at = 0;
      state = "pending";
    }
    if (at - active_at < hold) return;
    if (state == "pending") fired_at = at;
    state = "firing";
  }
};

WallTime wall(Millis at) {
  return WallTime(std::chrono::milliseconds(at));
}

class AlertCompliance : public testing::Test {
 protected:
  AlertCompliance() {
    const auto file =
        std::filesystem::path(QW_SOURCE_DIR) / "../shared/compliance/alert_generator/rules.yaml";
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    auto read = rules::read_rule_file(text.str(), "rules.yaml");
    EXPECT_TRUE(read.problems.empty());
    groups = std::move(read.groups);
    notify::Outbox::Options options;
    options.resend = 1min;
    outbox.emplace(options);
  }
  void SetUp() override {
    if (groups.empty()) GTEST_SKIP() << "needs ../shared";
  }

  void take(const std::string& group) {
    std::erase_if(groups, [&](const auto& one) { return one.name != group; });
    ASSERT_EQ(groups.size(), 1U);
    rules::GroupSettings settings;
    settings.external_labels = std::make_shared<const Labels>();
    settings.external_url = "http://here";
    settings.keep_without_data = false;
    engine.replace(groups, settings, kStart);
    ASSERT_EQ(engine.group(0).interval(), kInterval);
  }
  /// The samples that the suite sends for a rule: one each 15 s.
  void sends(const std::string& rule, const std::string& more, const std::string& values) {
    source.add(*promql::parse_series(
                   fmt::format("alert_generator_test_suite{{alertname=\"{}\",rulegroup=\"{}\"{}}} {}", rule,
                               groups[0].name, more, values)),
               kStart, kInterval / 2);
  }

  /// One evaluation, and what comes after it.
  void evaluate(Millis at) {
    source.advance(at);
    written.clear();
    auto output = engine.group(0).evaluate(source, at, {});
    for (const auto& sample : output.samples) {
      source.write(sample.series->labels, {at, sample.value});
      if (sample.series->labels->labels.get("__name__") == "ALERTS")
        written[sample.series->labels->labels] = sample.value;
    }
    for (const auto& series : output.ended) source.write(series->labels, {at, store::stale_marker()});
    const SteadyTime now{std::chrono::milliseconds(at)};
    outbox->update(engine.alerts(at, {}), now, wall(at));
    sent = outbox->due(now);
    outbox->begin(sent);
    outbox->acknowledge(sent, now);
  }

  /// Everything about the alert of these labels.
  void check(const Labels& labels, const Expected& expected, Millis at) {
    const auto offset = fmt::format("{} s, {}", (at - kStart) / 1000, labels.get("alertname"));
    const auto* alert = find(labels);
    const bool active = expected.state != "inactive";
    if (active) {
      ASSERT_TRUE(alert) << offset;
      EXPECT_EQ(rules::name(alert->state), expected.state) << offset;
      EXPECT_EQ(alert->active_at, expected.active_at) << offset;
    } else if (alert) {
      EXPECT_EQ(alert->state, rules::AlertState::inactive) << offset;
    }
    for (const std::string state : {"pending", "firing"}) {
      auto series = labels;
      series.set("__name__", "ALERTS");
      series.set("alertstate", state);
      EXPECT_EQ(written.contains(series), expected.state == state) << offset;
    }
    check_api(labels, expected, offset);
    check_sent(labels, expected, at, offset);
  }

  const rules::ActiveAlert* find(const Labels& labels) const {
    const auto& group = engine.group(0);
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (const auto* alert = group.alerts(i)->find(labels)) return alert;
    }
    return nullptr;
  }

  void check_api(const Labels& labels, const Expected& expected, const std::string& offset) const {
    const auto body = boost::json::parse(exporting::alerts_json(engine, {}));
    std::size_t found = 0;
    for (const auto& one : body.at("data").at("alerts").as_array()) {
      const auto& shown = one.at("labels").as_object();
      bool same = shown.size() == labels.size();
      for (const auto& [name, value] : labels)
        same = same && shown.contains(name) && shown.at(name).as_string() == value;
      if (!same) continue;
      ++found;
      EXPECT_EQ(one.at("state").as_string(), expected.state) << offset;
      EXPECT_EQ(one.at("activeAt").as_string(), exporting::rfc3339_nano(wall(expected.active_at))) << offset;
    }
    EXPECT_EQ(found, expected.state == "inactive" ? 0U : 1U) << offset;
  }

  void check_sent(const Labels& labels, const Expected& expected, Millis at, const std::string& offset) {
    auto& last = told[labels];
    const auto found = std::ranges::find(sent, labels, [](const auto& alert) { return alert->labels; });
    const bool firing = expected.state == "firing";
    const bool new_state = firing ? last.second != "firing" : expected.resolved_at == at;
    const bool again = firing && last.second == "firing" && at - last.first >= 60'000;
    ASSERT_EQ(found != sent.end(), expected.state != "pending" && (new_state || again)) << offset;
    if (found == sent.end()) return;
    last = {at, firing ? "firing" : "ended"};
    const auto* const one = found->get();
    const auto body = boost::json::parse(notify::alerts_body({&one, 1}, std::nullopt)).at(0).as_object();
    EXPECT_EQ(body.at("startsAt").as_string(), notify::rfc3339(wall(expected.fired_at))) << offset;
    EXPECT_EQ(body.contains("endsAt"), !firing) << offset;
    if (!firing)
      EXPECT_EQ(body.at("endsAt").as_string(), notify::rfc3339(wall(expected.resolved_at))) << offset;
    EXPECT_EQ(body.at("labels").as_object().size(), labels.size()) << offset;
    EXPECT_TRUE(body.at("generatorURL").as_string().starts_with("http://here/graph?g0.expr=")) << offset;
  }

  std::string annotation(const Labels& labels, std::string_view name) const {
    const auto* alert = find(labels);
    return alert ? std::string(alert->annotations.get(name)) : "no such alert";
  }

  std::vector<rules::RuleGroup> groups;
  rules::RuleEngine engine;
  rules::ScriptedSource source;
  std::optional<notify::Outbox> outbox;
  std::vector<AlertPtr> sent;
  std::map<Labels, double> written;
  std::map<Labels, std::pair<Millis, std::string>> told;
};

TEST_F(AlertCompliance, PendingAndFiringAndResolved) {
  take("PendingAndFiringAndResolved");
  const std::string rule = "PendingAndFiringAndResolved_SimpleAlert";
  // It fires, ends, and comes again as a new alert that never gets to fire.
  sends(rule, "", "5x7 11x19 15x19 9x23 12x9 3x100");
  const Labels labels{{"alertname", rule}, {"foo", "bar"}, {"rulegroup", groups[0].name}};
  Expected expected;
  for (Millis at = kStart; at <= kStart + 30 * 60'000; at += kInterval) {
    const auto step = (at - kStart) / (kInterval / 2);
    const int value = step < 8 ? 5 : step < 28 ? 11 : step < 48 ? 15 : step < 72 ? 9 : step < 82 ? 12 : 3;
    evaluate(at);
    expected.step(value > 10, at, 6 * 60'000);
    check(labels, expected, at);
    if (value > 10) {
      EXPECT_EQ(annotation(labels, "summary"), fmt::format("The value is {} {}", value, value));
      EXPECT_EQ(annotation(labels, "description"), "SimpleAlert is firing");
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(told[labels].second, "ended");
}

TEST_F(AlertCompliance, PendingAndResolvedAndAlwaysInactive) {
  take("PendingAndResolved_AlwaysInactive");
  const std::string pending = "PendingAndResolved_AlwaysInactive_PendingAlert";
  const std::string inactive = "PendingAndResolved_AlwaysInactive_InactiveAlert";
  sends(pending, "", "5x3 11x9 5x60");
  sends(inactive, "", "5x3 98x9 99x60");
  const Labels one{{"alertname", pending}, {"foo", "bar"}, {"rulegroup", groups[0].name}};
  const Labels other{{"alertname", inactive}, {"ba_dum", "tss"}, {"rulegroup", groups[0].name}};
  Expected expected;
  bool was_pending = false;
  for (Millis at = kStart; at <= kStart + 15 * 60'000; at += kInterval) {
    const auto step = (at - kStart) / (kInterval / 2);
    evaluate(at);
    expected.step(step >= 4 && step < 14, at, 3 * 60'000);
    was_pending |= expected.state == "pending";
    check(one, expected, at);
    check(other, {}, at);
    if (HasFatalFailure()) return;
    EXPECT_TRUE(sent.empty());
  }
  EXPECT_TRUE(was_pending);
}

TEST_F(AlertCompliance, ZeroForAndSmallFor) {
  take("ZeroFor_SmallFor");
  const std::string zero = "ZeroFor_SmallFor_ZeroFor", small = "ZeroFor_SmallFor_SmallFor";
  sends(zero, "", "5x3 11x9 5x60");
  sends(small, "", "5x3 14x9 5x60");
  for (const int id : {3, 1, 2}) {
    source.add(*promql::parse_series(fmt::format("alert_generator_test_suite{{rulegroup=\"ZeroFor_SmallFor\","
                                                 "for=\"template\",id=\"{}\"}} {}x100",
                                                 id, id * 10)),
               kStart, kInterval / 2);
  }
  const Labels one{{"alertname", zero}, {"foo", "bar"}, {"rulegroup", groups[0].name}};
  const Labels other{{"alertname", small}, {"ba_dum", "tss"}, {"rulegroup", groups[0].name}};
  Expected of_zero, of_small;
  for (Millis at = kStart; at <= kStart + 12 * 60'000; at += kInterval) {
    const auto step = (at - kStart) / (kInterval / 2);
    const bool given = step >= 4 && step < 14;
    evaluate(at);
    of_zero.step(given, at, 0);
    of_small.step(given, at, 15'000);
    check(one, of_zero, at);
    check(other, of_small, at);
    if (HasFatalFailure()) return;
    if (!given) continue;
    EXPECT_EQ(annotation(one, "template_query_test"), "Args are: foo bar 99. first_id:1,1:10,2:20,3:30,");
    EXPECT_EQ(annotation(one, "template_test"), "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC");
    EXPECT_EQ(annotation(other, "template_test"),
              "This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. .");
  }
}

TEST_F(AlertCompliance, NewAlertsAndTheOrderOfRules) {
  take("NewAlerts_OrderCheck");
  const std::string first = "NewAlerts_OrderCheck_Rule1", second = "NewAlerts_OrderCheck_Rule2";
  // The second series comes later: a new alert beside the old one.
  sends(first, ",variant=\"one\"", "5x3 15x59 5x60");
  sends(first, ",variant=\"two\"", "_x15 5x3 15x39 5x60");
  const auto of_first = [&](const std::string& variant) {
    return Labels{{"alertname", first}, {"foo", "bar"}, {"rulegroup", groups[0].name}, {"variant", variant}};
  };
  const Labels of_second{{"alertname", second},
                         {"alertstate", "firing"},
                         {"ba_dum", "tss"},
                         {"foo", "baz"},
                         {"rulegroup", groups[0].name}};
  Expected one, two, sum;
  bool both = false;
  for (Millis at = kStart; at <= kStart + 25 * 60'000; at += kInterval) {
    const auto step = (at - kStart) / (kInterval / 2);
    evaluate(at);
    one.step(step >= 4 && step < 64, at, 3 * 60'000);
    two.step(step >= 19 && step < 59, at, 3 * 60'000);
    // In the same cycle as the first rule's series.
    sum.step(one.state == "firing" && two.state == "firing", at, 0);
    both |= sum.state == "firing";
    check(of_first("one"), one, at);
    check(of_first("two"), two, at);
    const auto* alert = find(of_second);
    EXPECT_EQ(alert != nullptr && alert->state == rules::AlertState::firing, sum.state == "firing");
    if (sum.state == "firing")
      EXPECT_EQ(annotation(of_second, "description"),
                "Based on ALERTS. Old alertname was NewAlerts_OrderCheck_Rule1. foo was bar.");
    if (HasFatalFailure()) return;
  }
  EXPECT_TRUE(both);
}

}  // namespace
}  // namespace qw
