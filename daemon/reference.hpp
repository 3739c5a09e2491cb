#pragma once
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

/// `quorumwatch metrics`: every family as Markdown, by where it comes from. Committed as daemon/METRICS.md.
std::string print_metrics();
/// Every family that the daemon can export, of whatever kind of target.
std::vector<MetricFamily> all_families();
/// `quorumwatch probes`: what each kind of target measures, asks and can not see. Committed as
/// probes/PROBES.md.
std::string print_probes();

}  // namespace qw
