#pragma once
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw::exporting {

/// What the daemon says of its journal.
class JournalMetrics {
 public:
  explicit JournalMetrics(prometheus::Registry& registry);
  ~JournalMetrics();

  /// Totals since the start.
  struct Totals {
    std::uint64_t written = 0, dropped = 0, errors = 0, skipped = 0, left_out = 0;
    std::size_t bytes = 0;
  };
  void set(const Totals& totals);
  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
