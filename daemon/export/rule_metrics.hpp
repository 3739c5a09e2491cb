#pragma once
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/model/metric.hpp"

namespace qw::exporting {

/// What the daemon says of the rules that it evaluates, under the names that Prometheus has for the same.
class RuleMetrics {
 public:
  explicit RuleMetrics(prometheus::Registry& registry);
  ~RuleMetrics();

  /// A group as it is configured; `name` is "FILE;GROUP", as Prometheus' label rule_group has it.
  struct Group {
    std::string name;
    std::size_t rules = 0;
    Nanoseconds interval{};
  };
  /// All groups there are; others go.
  void set_groups(const std::vector<Group>& groups);
  /// One cycle of a group.
  struct Cycle {
    WallTime at;
    Nanoseconds took{};
    std::size_t evaluations = 0, failures = 0, template_failures = 0, missed = 0;
  };
  void evaluated(const std::string& group, const Cycle& cycle);

  void set_alerts(std::size_t pending, std::size_t firing, std::size_t unknown);
  void state_saved(WallTime at, Nanoseconds took);
  void state_save_failed();
  void state_was_corrupt();

  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
