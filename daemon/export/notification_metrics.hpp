#pragma once
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/model/metric.hpp"

namespace qw::exporting {

/// What one Alertmanager was sent so far, in totals.
struct Delivery {
  std::string alertmanager;  ///< its URL, the label
  std::uint64_t sent = 0, errors = 0, dropped = 0;
  std::size_t waiting = 0;
  std::optional<WallTime> last_success;
  Nanoseconds latency{};
};

/// What the daemon says of the alerts that it sends, under the names that Prometheus has for the same.
class NotificationMetrics {
 public:
  explicit NotificationMetrics(prometheus::Registry& registry);
  ~NotificationMetrics();

  /// All Alertmanagers there are; others go. `silent`: a Prometheus speaks for us.
  void set(std::span<const Delivery> deliveries, bool silent);
  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
