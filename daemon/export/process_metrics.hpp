#pragma once
#include <prometheus/metric_family.h>

#include <span>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/model/metric.hpp"

namespace qw::exporting {

/// The process_* families that every Prometheus client library has.
std::span<const MetricFamily> process_families();

/// When the kernel started this process, in seconds since the epoch; 0 when /proc does not say.
double process_start_time(const Clock& clock);

/// Read from the system now. What can not be read is left out, not 0.
std::vector<prometheus::MetricFamily> collect_process_metrics(double start_time);

}  // namespace qw::exporting
