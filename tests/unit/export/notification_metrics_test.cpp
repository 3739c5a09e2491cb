#include "daemon/export/notification_metrics.hpp"

#include <gtest/gtest.h>

#include <map>

namespace qw::exporting {
namespace {

/// "sent_total{http://a}" and so on, of the families that Alertmanagers have.
std::map<std::string, double> numbers(prometheus::Registry& registry) {
  std::map<std::string, double> out;
  for (const auto& family : registry.Collect()) {
    for (const auto& metric : family.metric) {
      std::string name = family.name.substr(std::string("quorumwatch_notifications_").size());
      if (!metric.label.empty()) name += "{" + metric.label.front().value + "}";
      out[name] = family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
  }
  return out;
}

TEST(NotificationMetrics, FollowTheAlertmanagersThereAre) {
  prometheus::Registry registry;
  NotificationMetrics metrics(registry);
  Delivery one{
      .alertmanager = "http://a", .sent = 5, .errors = 2, .dropped = 1, .waiting = 3, .last_success = {}};
  metrics.set({&one, 1}, true);
  auto seen = numbers(registry);
  EXPECT_EQ(seen["sent_total{http://a}"], 5);
  EXPECT_EQ(seen["queue_length{http://a}"], 3);
  EXPECT_EQ(seen["alertmanagers_discovered"], 1);
  EXPECT_EQ(seen["silent"], 1);
  EXPECT_FALSE(seen.contains("last_success_timestamp_seconds{http://a}")) << "it never took any";

  one.sent = 7;
  one.last_success = WallTime(std::chrono::seconds(100));
  metrics.set({&one, 1}, false);
  seen = numbers(registry);
  EXPECT_EQ(seen["sent_total{http://a}"], 7);
  EXPECT_EQ(seen["last_success_timestamp_seconds{http://a}"], 100);

  one.alertmanager = "http://b";
  metrics.set({&one, 1}, false);
  seen = numbers(registry);
  EXPECT_FALSE(seen.contains("sent_total{http://a}"));
  EXPECT_EQ(seen["errors_total{http://b}"], 2);
}

}  // namespace
}  // namespace qw::exporting
