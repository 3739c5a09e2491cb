#include "daemon/notify/prometheus_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "daemon/base/duration.hpp"
#include "daemon/base/http_date.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/text.hpp"

namespace qw::notify {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr Nanoseconds kEvery = 2s;
/// Thousands of rules with their alerts.
constexpr std::size_t kMaxReply = 16 << 20;

/// One time-out is chance; that nobody listens there is not.
constexpr unsigned kBadInARow = 2;
/// A Prometheus that has just started has yet to restore its alerts.
constexpr unsigned kGoodInARow = 3;
/// Evaluations that may be missing before it counts as standing still, and at least this long.
constexpr int kMissedEvaluations = 3;
constexpr Nanoseconds kShortestSilence = 15s;

/// "2026-11-20T22:25:37.731912379Z", also with "+01:00"; nothing for Go's zero time.
std::optional<WallTime> parse_time(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t length) -> std::int64_t {
    const auto value = at + length <= text.size() ? parse_uint64(text.substr(at, length)) : std::nullopt;
    return value ? static_cast<std::int64_t>(*value) : -1;
  };
  const auto year = number(0, 4);
  const std::chrono::year_month_day day(std::chrono::year(static_cast<int>(year)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2))));
  const auto hour = number(11, 2);
  const auto minute = number(14, 2);
  const auto second = number(17, 2);
  if (year < 1970 || year > 2200 || !day.ok() || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  auto time = WallTime(std::chrono::sys_days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
              std::chrono::seconds(second);
  // The fraction does not matter here; the zone does.
  const auto zone = text.find_first_of("+-Z", 19);
  if (zone == std::string_view::npos) return std::nullopt;
  if (text[zone] == 'Z') return time;
  const auto offset = std::chrono::hours(number(zone + 1, 2)) + std::chrono::minutes(number(zone + 4, 2));
  return text[zone] == '+' ? time - offset : time + offset;
}

const json::value* find(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object ? object->if_contains({key.data(), key.size()}) : nullptr;
}

double number_of(const json::value* value) {
  if (!value || !value->is_number()) return 0;
  return value->to_number<double>();
}

}  // namespace

Result<RuleHealth> read_rules_reply(std::string_view body, WallTime their_now) {
  json::error_code error;
  const auto root = json::parse({body.data(), body.size()}, error);
  if (error) return fail(ErrorKind::protocol, "the answer is not JSON");
  const auto* data = find(root, "data");
  const auto* groups = data ? find(*data, "groups") : nullptr;
  const auto* list = groups ? groups->if_array() : nullptr;
  if (!list) return fail(ErrorKind::protocol, "the answer has no data.groups");
  RuleHealth health;
  for (const auto& group : *list) {
    const auto* last = find(group, "lastEvaluation");
    const auto interval = std::clamp(number_of(find(group, "interval")), 0.0, 86400.0);
    const Nanoseconds every(static_cast<std::int64_t>(interval * 1e9));
    if (every > Nanoseconds{} && (health.interval == Nanoseconds{} || every < health.interval))
      health.interval = every;
    const auto at =
        last && last->is_string() ? parse_time(std::string_view(last->get_string())) : std::nullopt;
    if (!at) continue;
    const auto age = std::max(Nanoseconds{}, Nanoseconds(their_now - *at));
    health.last_evaluation = std::min(health.last_evaluation.value_or(age), age);
  }
  return health;
}

bool PrometheusWatch::Verdict::observe(const Result<RuleHealth>& health) {
  const bool gone = !health && (health.error().kind() == ErrorKind::refused ||
                                health.error().kind() == ErrorKind::unreachable);
  const bool good =
      health && health->last_evaluation &&
      *health->last_evaluation <= std::max(kShortestSilence, kMissedEvaluations * health->interval);
  good_ = good ? good_ + 1 : 0;
  bad_ = good ? 0 : bad_ + 1;
  if (good_ >= kGoodInARow) evaluates_ = true;
  // Its own word that nothing is evaluated is as good as its absence.
  if (gone || (health && !good) || bad_ >= kBadInARow) evaluates_ = false;
  return evaluates_;
}

PrometheusWatch::PrometheusWatch(net::Net& net, const Clock& clock, HttpEndpoint endpoint,
                                 std::function<void(bool)> on_change)
    : clock_(clock),
      endpoint_(std::move(endpoint)),
      client_(net, clock, endpoint_.url.to, endpoint_.tls,
              [] {
                net::HttpClient::Options options;
                options.max_body = kMaxReply;
                return options;
              }()),
      on_change_(std::move(on_change)) {}

Task<void> PrometheusWatch::run() {
  while (true) {
    const auto began = clock_.steady();
    const auto health = co_await ask();
    const bool evaluates = verdict_.observe(health);
    const std::string reason = health ? "" : health.error().message();
    if (evaluates != evaluates_) {
      evaluates_ = evaluates;
      log::warning(evaluates ? "Prometheus evaluates its rules: its alerts are left to it"
                             : "Prometheus does not evaluate its rules: alerts are sent from here",
                   {{"prometheus", endpoint_.url.print()}, {"reason", reason}});
      on_change_(evaluates);
    }
    const bool slept = co_await async::sleep_until(began + kEvery);
    if (!slept) co_return;
  }
}

Task<Result<RuleHealth>> PrometheusWatch::ask() {
  net::HttpRequest request("GET", endpoint_.url.path + "/api/v1/rules?type=alert");
  request.headers = endpoint_.headers();
  auto reply = co_await client_.exchange(std::move(request), clock_.steady() + endpoint_.timeout);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->status != 200)
    co_return fail(ErrorKind::rejected, fmt::format("answered with status {}", reply->status));
  const auto date = parse_http_date(reply->date);
  if (!date) co_return fail(ErrorKind::protocol, "the answer has no date");
  co_return read_rules_reply(reply->body, *date);
}

}  // namespace qw::notify
