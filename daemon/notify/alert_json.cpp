#include "daemon/notify/alert_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

namespace qw::notify {
namespace {

namespace json = boost::json;

json::object object(const Labels& labels) {
  json::object out;
  out.reserve(labels.size());
  for (const auto& [name, value] : labels) out[name] = value;
  return out;
}

json::object one(const Alert& alert, std::optional<WallTime> their_now) {
  const auto cut = [&](WallTime time) { return their_now ? std::min(time, *their_now) : time; };
  json::object out;
  out["annotations"] = object(alert.annotations);
  if (alert.ends_at) out["endsAt"] = rfc3339(cut(std::max(*alert.ends_at, alert.starts_at)));
  out["startsAt"] = rfc3339(cut(alert.starts_at));
  if (!alert.generator_url.empty()) out["generatorURL"] = alert.generator_url;
  out["labels"] = object(alert.labels);
  return out;
}

}  // namespace

std::string rfc3339(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(whole - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string alerts_body(std::span<const Alert* const> alerts, std::optional<WallTime> their_now) {
  json::array out;
  out.reserve(alerts.size());
  for (const auto* alert : alerts) out.push_back(one(*alert, their_now));
  return json::serialize(out);
}

}  // namespace qw::notify
