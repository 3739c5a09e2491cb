#pragma once
#include <prometheus/registry.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "daemon/model/metric.hpp"
#include "daemon/model/round.hpp"

namespace qw::exporting {

/// A target whose members are found in files or by DNS.
struct FoundMembers {
  TargetId id;
  std::size_t count = 0;
  bool failed = false;
};

/// What the daemon says of lists of members that it finds.
class MemberMetrics {
 public:
  explicit MemberMetrics(prometheus::Registry& registry);
  ~MemberMetrics();

  /// All such targets; others go.
  void set(std::span<const FoundMembers> targets);
  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
