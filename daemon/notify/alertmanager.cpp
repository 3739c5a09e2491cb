#include "daemon/notify/alertmanager.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "daemon/base/duration.hpp"
#include "daemon/base/http_date.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/text.hpp"
#include "daemon/notify/alert_json.hpp"

namespace qw::notify {
namespace {

using namespace std::chrono_literals;

/// Full jitter between nothing and a limit that doubles up to the second one: what waits is delivered within
/// 5 s of an Alertmanager's return, connection and request included.
constexpr Nanoseconds kFirstBackoff = 250ms;
constexpr Nanoseconds kLongestBackoff = 2s;

/// An HTTP date has whole seconds.
constexpr Nanoseconds kDateResolution = 1s;

/// What Alertmanager says to a batch of which it does not like one alert (400; 422 where a URL is malformed)
/// or which is too long for it. Whatever else it says may be another matter the next time.
bool is_about_the_batch(unsigned status) {
  return status == 400 || status == 413 || status == 422;
}

}  // namespace

Alertmanager::Alertmanager(net::Net& net, const Clock& clock, HttpEndpoint endpoint, Outbox::Options options)
    : clock_(clock),
      endpoint_(std::move(endpoint)),
      outbox_(std::move(options)),
      client_(net, clock, endpoint_.url.to, endpoint_.tls, net::HttpClient::Options()),
      changed_(net.executor()),
      random_(static_cast<std::uint32_t>(stable_hash(endpoint_.url.print()))) {
  stats_.alertmanager = endpoint_.url.print();
}

void Alertmanager::update(AlertsPtr alerts) {
  next_ = std::move(alerts);
  if (!waits_) take_up();
  changed_.cancel();
}

void Alertmanager::take_up() {
  if (const auto alerts = std::exchange(next_, nullptr))
    outbox_.update(*alerts, clock_.steady(), clock_.wall());
}

void Alertmanager::hold(bool held) {
  outbox_.hold(held);
  changed_.cancel();
}

void Alertmanager::adopt(Alertmanager& old) {
  outbox_.adopt(std::move(old.outbox_));
  const auto url = stats_.alertmanager;
  stats_ = old.stats_;
  stats_.alertmanager = url;
}

Delivery Alertmanager::stats() const {
  Delivery stats = stats_;
  stats.waiting = next_ ? next_->size() : outbox_.waiting();
  stats.dropped += outbox_.left_out();
  return stats;
}

Task<void> Alertmanager::run() {
  while (true) {
    take_up();
    auto batch = outbox_.due(clock_.steady());
    SteadyTime next = outbox_.next_due().value_or(SteadyTime::max());
    if (!batch.empty()) {
      const bool delivered = co_await deliver(std::move(batch));
      failures_ = delivered ? 0 : failures_ + 1;
      if (delivered) continue;
      const auto limit = std::min(kLongestBackoff, kFirstBackoff * (1 << std::min(failures_, 10U)) / 2);
      next = clock_.steady() +
             Nanoseconds(std::uniform_int_distribution<std::int64_t>(0, limit.count())(random_));
      // Something new does not shorten the wait: it would be sent to a server that has just failed.
      const bool waited = co_await async::sleep_until(next);
      if (!waited) co_return;
      continue;
    }
    const bool waited = co_await wait_until(next);
    if (!waited) co_return;
  }
}

/// False when it was cancelled; it also returns early when the outbox has changed.
Task<bool> Alertmanager::wait_until(SteadyTime time) {
  changed_.expires_at(std::chrono::time_point_cast<asio::steady_timer::duration>(time));
  waits_ = true;
  co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
  waits_ = false;
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

/// Sends the batch; where it is refused, its halves, until what is at fault stands alone. Alertmanager stores
/// the good ones of a refused batch too, so that some are told twice, which changes nothing.
Task<bool> Alertmanager::deliver(Batch batch) {
  std::deque<Batch> parts;
  parts.push_back(std::move(batch));
  while (!parts.empty()) {
    const Batch part = std::move(parts.front());
    parts.pop_front();
    const auto outcome = co_await post(part);
    if (outcome == Outcome::failed) co_return false;
    if (outcome == Outcome::taken || part.size() == 1) continue;
    const auto middle = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
    parts.emplace_front(middle, part.end());
    parts.emplace_front(part.begin(), middle);
  }
  co_return true;
}

Task<Alertmanager::Outcome> Alertmanager::post(Batch batch) {
  std::vector<const Alert*> alerts;
  for (const auto& alert : batch) alerts.push_back(alert.get());
  net::HttpRequest request("POST", endpoint_.url.path + "/api/v2/alerts");
  request.body = alerts_body(alerts, their_now());
  request.headers = endpoint_.headers();
  request.headers.emplace_back("Content-Type", "application/json");
  const auto began = clock_.steady();
  outbox_.begin(batch);
  auto reply = co_await client_.exchange(std::move(request), began + endpoint_.timeout);
  if (!reply) {
    note_failure(reply.error().message());
    co_return Outcome::failed;
  }
  const auto believed = ahead_;
  learn_clock(*reply);
  const auto outcome = judge(*reply, batch, began);
  // It may have been refused for our clock, which was set meanwhile: the next try knows better.
  if (outcome == Outcome::refused && batch.size() == 1 && ahead_ - believed > kDateResolution)
    co_return Outcome::failed;
  if (outcome == Outcome::refused && batch.size() == 1) give_up(batch.front(), *reply);
  co_return outcome;
}

Alertmanager::Outcome Alertmanager::judge(const net::HttpReply& reply, const Batch& batch, SteadyTime began) {
  if (reply.status / 100 == 2) {
    const auto now = clock_.steady();
    outbox_.acknowledge(batch, now);
    stats_.sent += batch.size();
    stats_.last_success = clock_.wall();
    stats_.latency = now - began;
    if (!std::exchange(last_reason_, "").empty())
      log::info("alerts are delivered again", {{"alertmanager", stats_.alertmanager}});
    return Outcome::taken;
  }
  if (is_about_the_batch(reply.status)) return Outcome::refused;
  note_failure(fmt::format("answered with status {}: {}", reply.status, sanitize(reply.body)));
  return Outcome::failed;
}

/// Ours is ahead for certain when its reading before the request is later than any instant that the date can
/// mean.
void Alertmanager::learn_clock(const net::HttpReply& reply) {
  const auto date = parse_http_date(reply.date);
  if (!date) return;
  ahead_ = std::max(Nanoseconds{}, reply.wall_sent - (*date + kDateResolution));
}

std::optional<WallTime> Alertmanager::their_now() const {
  if (ahead_ == Nanoseconds{}) return std::nullopt;
  // The date's own second is taken off too: rather a little early than refused.
  return clock_.wall() - ahead_ - kDateResolution;
}

/// One line a change of reason, not one a try.
void Alertmanager::note_failure(const std::string& reason) {
  ++stats_.errors;
  if (reason == last_reason_) return;
  last_reason_ = reason;
  log::warning("alerts can not be delivered", {{"alertmanager", stats_.alertmanager}, {"reason", reason}});
}

void Alertmanager::give_up(const AlertPtr& alert, const net::HttpReply& reply) {
  outbox_.refuse(alert);
  ++stats_.dropped;
  log::error("an alert is refused", {{"alertmanager", stats_.alertmanager},
                                     {"alertname", std::string(alert->labels.get("alertname"))},
                                     {"status", fmt::to_string(reply.status)},
                                     {"reason", sanitize(reply.body)}});
}

}  // namespace qw::notify
