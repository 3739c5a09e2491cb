#pragma once
#include <prometheus/registry.h>

#include <memory>
#include <vector>

#include "daemon/model/metric.hpp"
#include "daemon/placement/placement.hpp"

namespace qw::exporting {

/// What the daemon says of the targets that it shares with others.
class PlacementMetrics {
 public:
  explicit PlacementMetrics(prometheus::Registry& registry);
  ~PlacementMetrics();

  /// All placed targets there are; others go.
  void set(const placement::Standings& standings);
  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
