#include "daemon/journal/delivery_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/duration.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/findings.hpp"

namespace qw::journal {
namespace {

constexpr std::string_view kTakesNone = "takes_none", kSilent = "silent";

Event event_of(std::string_view subject, std::string_view what, Change change, Severity severity,
               std::string text, WallTime at, Evidence evidence = {}) {
  Event event{.at = at,
              .kind = Kind::delivery,
              .change = change,
              .severity = severity,
              .target = {},
              .subject = std::string(subject),
              .what = std::string(what),
              .text = std::move(text),
              .evidence = std::move(evidence)};
  make_safe(event);
  return event;
}

Evidence evidence_of(const Delivery& delivery) {
  return {{"quorumwatch_notifications_sent_total", std::to_string(delivery.sent)},
          {"quorumwatch_notifications_errors_total", std::to_string(delivery.errors)},
          {"quorumwatch_notifications_queue_length", std::to_string(delivery.waiting)}};
}

std::string alerts(std::uint64_t count) {
  return fmt::format("{} alert{}", count, count == 1 ? "" : "s");
}

}  // namespace

void DeliveryWatch::alerts_changed() {
  changed_ = true;
  for (auto& [url, known] : known_) {
    if (known.owed) continue;
    known.owed = true;
    known.sent_before = known.last.sent;
  }
}

void DeliveryWatch::look(Known& known, const Delivery& now, WallTime at, std::vector<Event>& out) {
  const auto& before = known.last;
  const auto& url = now.alertmanager;
  const bool success = now.last_success != before.last_success && now.last_success;
  if (success) {
    if (known.failing) {
      out.push_back(event_of(url, kTakesNone, Change::ended, Severity::info, "it takes alerts again", at,
                             evidence_of(now)));
    }
    known.failing = false;
  } else if (!known.failing && now.errors > before.errors && now.waiting > 0) {
    known.failing = true;
    out.push_back(event_of(url, kTakesNone, Change::began, Severity::critical,
                           fmt::format("it does not take alerts: {} wait{} for it", alerts(now.waiting),
                                       now.waiting == 1 ? "s" : ""),
                           at, evidence_of(now)));
  }
  if (now.dropped > before.dropped) {
    const auto count = now.dropped - before.dropped;
    out.push_back(event_of(url, "dropped", Change::happened, Severity::warning,
                           fmt::format("{} {} refused for good, or there was no room for {}", alerts(count),
                                       count == 1 ? "was" : "were", count == 1 ? "it" : "them"),
                           at, evidence_of(now)));
  }
  if (known.owed && now.waiting == 0 && now.sent > known.sent_before) {
    known.owed = false;
    out.push_back(event_of(url, "acknowledged", Change::happened, Severity::info,
                           fmt::format("it has acknowledged what changed; the last request took {}",
                                       spoken_duration(seconds(now.latency))),
                           now.last_success.value_or(at), evidence_of(now)));
  }
  known.last = now;
}

std::vector<Event> DeliveryWatch::on_look(std::span<const Delivery> deliveries, bool silent, WallTime at) {
  std::vector<Event> out;
  for (const auto& now : deliveries) {
    const auto [entry, is_new] = known_.try_emplace(now.alertmanager);
    // One that was not there before has not heard of anything yet.
    if (is_new) entry->second.owed = changed_;
    look(entry->second, now, at, out);
  }
  for (auto entry = known_.begin(); entry != known_.end();) {
    const bool there =
        std::ranges::find(deliveries, entry->first, &Delivery::alertmanager) != deliveries.end();
    if (!there && entry->second.failing) {
      out.push_back(event_of(entry->first, kTakesNone, Change::ended, Severity::info,
                             "it is no longer told of alerts", at));
    }
    entry = there ? std::next(entry) : known_.erase(entry);
  }
  if (silent != silent_) {
    out.push_back(event_of("", kSilent, silent ? Change::began : Change::ended, Severity::info,
                           silent ? "alerts are left to the Prometheus that evaluates the same rules"
                                  : "the daemon sends alerts itself",
                           at));
  }
  silent_ = silent;
  return out;
}

void DeliveryWatch::restore(std::span<const Event> open) {
  for (const auto& event : open) {
    if (event.what == kSilent) silent_ = true;
    if (event.what != kTakesNone) continue;
    auto& known = known_[event.subject];
    known.last.alertmanager = event.subject;
    known.failing = true;
  }
}

}  // namespace qw::journal
