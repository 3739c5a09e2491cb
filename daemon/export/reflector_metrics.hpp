#pragma once
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw::exporting {

/// What the reflector did since it was opened, in totals.
struct Reflections {
  std::uint64_t reflected = 0;
  std::vector<std::pair<std::string, std::uint64_t>> refused;  ///< by reason
  std::size_t sessions = 0;
};

/// What the daemon says of the packets of others that it answers. No series before there is a reflector.
class ReflectorMetrics {
 public:
  explicit ReflectorMetrics(prometheus::Registry& registry);
  ~ReflectorMetrics();

  /// Totals that are lower than before are of a reflector that was opened anew.
  void set(const Reflections& now);
  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
