#include "daemon/export/notification_metrics.hpp"

#include <array>
#include <map>

#include "daemon/export/own_registry.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kDiscovered{"quorumwatch_notifications_alertmanagers_discovered", gauge,
                                   "Alertmanagers that are told of alerts.", ""};
constexpr MetricFamily kDropped{
    "quorumwatch_notifications_dropped_total", counter,
    "Alerts that the Alertmanager refused for good, or that there was no room for.", "alertmanager"};
constexpr MetricFamily kErrors{"quorumwatch_notifications_errors_total", counter,
                               "Requests to the Alertmanager that failed; what they carried is sent again.",
                               "alertmanager"};
constexpr MetricFamily kLastSuccess{"quorumwatch_notifications_last_success_timestamp_seconds", gauge,
                                    "When the Alertmanager last took alerts; absent before the first time.",
                                    "alertmanager"};
constexpr MetricFamily kLatency{"quorumwatch_notifications_latency_seconds", gauge,
                                "How long the last request took that the Alertmanager answered with success.",
                                "alertmanager"};
constexpr MetricFamily kQueue{
    "quorumwatch_notifications_queue_length", gauge,
    "Alerts of which the Alertmanager has yet to acknowledge that they fire or have ended.", "alertmanager"};
constexpr MetricFamily kSent{"quorumwatch_notifications_sent_total", counter,
                             "Alerts that the Alertmanager acknowledged, repetitions among them.",
                             "alertmanager"};
constexpr MetricFamily kSilent{
    "quorumwatch_notifications_silent", gauge,
    "Whether alerts are left to a Prometheus that evaluates the same rules (mode shadow).", ""};
constexpr std::array kFamilies{kDiscovered, kDropped, kErrors, kLastSuccess,
                               kLatency,    kQueue,   kSent,   kSilent};

}  // namespace

struct NotificationMetrics::Impl {
  struct Series {
    prometheus::Counter *sent, *errors, *dropped;
    prometheus::Gauge *latency, *queue;
    prometheus::Gauge* last_success = nullptr;
  };
  explicit Impl(prometheus::Registry& registry)
      : discovered(add_gauge(registry, kDiscovered).Add({})),
        silent(add_gauge(registry, kSilent).Add({})),
        dropped(add_counter(registry, kDropped)),
        errors(add_counter(registry, kErrors)),
        sent(add_counter(registry, kSent)),
        last_success(add_gauge(registry, kLastSuccess)),
        latency(add_gauge(registry, kLatency)),
        queue(add_gauge(registry, kQueue)) {}

  Series& series(const std::string& alertmanager) {
    const auto [found, is_new] = all.try_emplace(alertmanager);
    if (is_new) {
      const prometheus::Labels labels{{"alertmanager", alertmanager}};
      found->second = {.sent = &sent.Add(labels),
                       .errors = &errors.Add(labels),
                       .dropped = &dropped.Add(labels),
                       .latency = &latency.Add(labels),
                       .queue = &queue.Add(labels)};
    }
    return found->second;
  }

  void remove(const Series& gone) {
    sent.Remove(gone.sent);
    errors.Remove(gone.errors);
    dropped.Remove(gone.dropped);
    latency.Remove(gone.latency);
    queue.Remove(gone.queue);
    if (gone.last_success) last_success.Remove(gone.last_success);
  }

  prometheus::Gauge &discovered, &silent;
  prometheus::Family<prometheus::Counter>&dropped, &errors, &sent;
  prometheus::Family<prometheus::Gauge>&last_success, &latency, &queue;
  std::map<std::string, Series> all;
};

NotificationMetrics::NotificationMetrics(prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(registry)) {}
NotificationMetrics::~NotificationMetrics() = default;

void NotificationMetrics::set(std::span<const Delivery> deliveries, bool silent) {
  impl_->discovered.Set(static_cast<double>(deliveries.size()));
  impl_->silent.Set(silent ? 1 : 0);
  std::erase_if(impl_->all, [&](const auto& one) {
    for (const auto& delivery : deliveries) {
      if (delivery.alertmanager == one.first) return false;
    }
    impl_->remove(one.second);
    return true;
  });
  for (const auto& delivery : deliveries) {
    auto& series = impl_->series(delivery.alertmanager);
    raise_to(*series.sent, delivery.sent);
    raise_to(*series.errors, delivery.errors);
    raise_to(*series.dropped, delivery.dropped);
    series.queue->Set(static_cast<double>(delivery.waiting));
    series.latency->Set(seconds(delivery.latency));
    if (!delivery.last_success) continue;
    if (!series.last_success)
      series.last_success = &impl_->last_success.Add({{"alertmanager", delivery.alertmanager}});
    series.last_success->Set(seconds(*delivery.last_success));
  }
}

std::vector<MetricFamily> NotificationMetrics::families() {
  return {kFamilies.begin(), kFamilies.end()};
}

}  // namespace qw::exporting
