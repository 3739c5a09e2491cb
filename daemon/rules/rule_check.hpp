#pragma once
#include <span>
#include <vector>

#include "daemon/model/metric.hpp"
#include "daemon/rules/rule_file.hpp"

namespace qw::rules {

/// Rules that are right but will not do what they say: a selector that no metric of the daemon and no
/// recording rule can match, a template that uses a label which the aggregation has removed, a range longer
/// than `most_kept` (0: any). `families`: every metric that the daemon can export.
std::vector<config::Problem> check_rules(const std::vector<RuleGroup>& groups,
                                         std::span<const MetricFamily> families, Millis most_kept);

}  // namespace qw::rules
