#pragma once
#include <prometheus/registry.h>

#include <memory>
#include <span>
#include <vector>

#include "daemon/model/alert.hpp"
#include "daemon/model/metric.hpp"

namespace qw::exporting {

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
