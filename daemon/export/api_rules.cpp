#include "daemon/export/api_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "daemon/base/text.hpp"
#include "daemon/export/form.hpp"
#include "daemon/promql/printer.hpp"
#include "daemon/rules/go_format.hpp"

namespace qw::exporting {
namespace {

namespace json = boost::json;
using rules::ActiveAlert;
using rules::ActiveGroup;
using rules::AlertState;
using rules::Millis;

json::value text(std::string_view value) {
  constexpr std::size_t kMaxText = 1 << 20;
  return json::string(is_valid_utf8(value) ? std::string(value) : sanitize(value, kMaxText));
}

json::object object_of(const Labels& labels) {
  json::object out;
  for (const auto& [name, value] : labels) out[name] = text(value);
  return out;
}

json::object object_of(const std::vector<rules::NamedTemplate>& templates) {
  json::object out;
  for (const auto& one : templates) out[one.name] = text(one.text.text());
  return out;
}

/// Go writes a whole number of seconds without a point.
json::value number(double value) {
  if (value == static_cast<double>(static_cast<std::int64_t>(value))) return static_cast<std::int64_t>(value);
  return value;
}
json::value in_seconds(Millis duration) {
  return number(static_cast<double>(duration) / 1000);
}

class Writer {
 public:
  explicit Writer(Nanoseconds offset) : offset_(offset) {}

  json::string time(Millis at) const {
    return json::string(rfc3339_nano(WallTime(std::chrono::milliseconds(at) + offset_)));
  }
  json::string time(const std::optional<Millis>& at) const {
    return at ? time(*at) : json::string("0001-01-01T00:00:00Z");
  }

  json::object alert(const ActiveAlert& alert) const {
    json::object out;
    out["labels"] = object_of(alert.labels);
    out["annotations"] = object_of(alert.annotations);
    out["state"] = rules::name(alert.state);
    out["activeAt"] = time(alert.active_at);
    if (alert.keep_firing_since) out["keepFiringSince"] = time(*alert.keep_firing_since);
    out["value"] = rules::go_float(alert.value, 'e', -1);
    if (alert.unknown_since) {
      out["unknown"] = true;
      out["unknownSince"] = time(*alert.unknown_since);
    }
    return out;
  }

  json::object rule(const ActiveGroup& group, std::size_t i, bool with_alerts) const {
    const auto& rule = *group.group().rules[i];
    const auto& health = group.health(i);
    const auto& states = group.alerts(i);
    json::object out;
    if (states) {
      out["state"] = health.at ? rules::name(states->state()) : "unknown";
    }
    out["name"] = text(rule.name);
    out["query"] = text(promql::print(*rule.expr));
    if (states) {
      out["duration"] = in_seconds(rule.hold);
      out["keepFiringFor"] = in_seconds(rule.keep_firing);
    }
    out["labels"] = object_of(rule.labels);
    if (states) {
      out["annotations"] = object_of(rule.annotations);
      json::array alerts;
      for (const auto& entry : states->all()) {
        if (with_alerts && entry.alert->state != AlertState::inactive) alerts.push_back(alert(*entry.alert));
      }
      out["alerts"] = std::move(alerts);
    }
    out["health"] = !health.at ? "unknown" : health.error.empty() ? "ok" : "err";
    if (!health.error.empty()) out["lastError"] = text(health.error);
    out["evaluationTime"] = number(seconds(health.took));
    out["lastEvaluation"] = time(health.at);
    out["type"] = states ? "alerting" : "recording";
    return out;
  }

 private:
  Nanoseconds offset_;
};

bool wanted(const std::vector<std::string>& list, const std::string& name) {
  return list.empty() || std::ranges::find(list, name) != list.end();
}

std::string success(json::object data) {
  json::object out;
  out["status"] = "success";
  out["data"] = std::move(data);
  return json::serialize(out);
}

}  // namespace

std::string rfc3339_nano(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::nanoseconds>(time - day));
  auto out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                         static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                         clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto rest = clock.subseconds().count(); rest != 0) {
    auto fraction = fmt::format(".{:09}", rest);
    while (fraction.ends_with('0')) fraction.pop_back();
    out += fraction;
  }
  return out + "Z";
}

Result<RulesQuery> parse_rules_query(std::string_view query) {
  const Form form(query, "");
  const auto type = form.get("type");
  if (!type.empty() && type != "alert" && type != "record") {
    return fail(ErrorKind::config, fmt::format("not supported value \"{}\"", sanitize(type, 60)));
  }
  const auto exclude = form.get("exclude_alerts");
  return RulesQuery{.alerting = type != "record",
                    .recording = type != "alert",
                    .alerts = exclude != "true" && exclude != "1",
                    .names = form.all("rule_name[]"),
                    .groups = form.all("rule_group[]"),
                    .files = form.all("file[]")};
}

std::string rules_json(const rules::RuleEngine& engine, const RulesQuery& query, Nanoseconds offset) {
  const Writer writer(offset);
  json::array groups;
  for (std::size_t i = 0; i < engine.size(); ++i) {
    const auto& group = engine.group(i);
    if (!wanted(query.groups, group.group().name) || !wanted(query.files, group.group().file)) continue;
    json::array rules;
    std::optional<Millis> last;
    Nanoseconds took{};
    for (std::size_t rule = 0; rule < group.size(); ++rule) {
      last = std::max(last, group.health(rule).at);
      took += group.health(rule).took;
      const bool of_type = group.alerts(rule) ? query.alerting : query.recording;
      if (!of_type || !wanted(query.names, group.group().rules[rule]->name)) continue;
      rules.push_back(writer.rule(group, rule, query.alerts));
    }
    const bool filtered = !query.names.empty() || !query.alerting || !query.recording;
    if (rules.empty() && filtered) continue;
    json::object one;
    one["name"] = text(group.group().name);
    one["file"] = text(group.group().file);
    one["rules"] = std::move(rules);
    one["interval"] = in_seconds(group.interval());
    one["limit"] = group.group().limit;
    one["evaluationTime"] = number(seconds(took));
    one["lastEvaluation"] = writer.time(last);
    groups.push_back(std::move(one));
  }
  json::object data;
  data["groups"] = std::move(groups);
  return success(std::move(data));
}

std::string alerts_json(const rules::RuleEngine& engine, Nanoseconds offset) {
  const Writer writer(offset);
  json::array alerts;
  for (std::size_t i = 0; i < engine.size(); ++i) {
    for (std::size_t rule = 0; rule < engine.group(i).size(); ++rule) {
      const auto& states = engine.group(i).alerts(rule);
      if (!states) continue;
      for (const auto& entry : states->all()) {
        if (entry.alert->state != AlertState::inactive) alerts.push_back(writer.alert(*entry.alert));
      }
    }
  }
  json::object data;
  data["alerts"] = std::move(alerts);
  return success(std::move(data));
}

}  // namespace qw::exporting
