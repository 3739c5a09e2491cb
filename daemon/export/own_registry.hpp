#pragma once
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <string>

#include "daemon/model/metric.hpp"

/// How the daemon's own families come into its registry.
namespace qw::exporting {

using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using CounterFamily = prometheus::Family<prometheus::Counter>;

inline GaugeFamily& add_gauge(prometheus::Registry& registry, const MetricFamily& family) {
  return prometheus::BuildGauge()
      .Name(std::string(family.name))
      .Help(std::string(family.help))
      .Register(registry);
}

inline CounterFamily& add_counter(prometheus::Registry& registry, const MetricFamily& family) {
  return prometheus::BuildCounter()
      .Name(std::string(family.name))
      .Help(std::string(family.help))
      .Register(registry);
}

/// A counter that somebody else counts: only what is new is added.
inline void raise_to(prometheus::Counter& counter, std::uint64_t total) {
  const double added = static_cast<double>(total) - counter.Value();
  if (added > 0) counter.Increment(added);
}

}  // namespace qw::exporting
