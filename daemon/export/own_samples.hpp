#pragma once
#include <prometheus/metric_family.h>

#include <span>
#include <string_view>
#include <vector>

#include "daemon/model/metric.hpp"
#include "daemon/rules/derived_series.hpp"

namespace qw::exporting {

/// The daemon's own metrics as samples, one for each line that the page has of them, so that rules and
/// queries see them as a Prometheus does.
class OwnSamples {
 public:
  std::vector<Sample> read(std::span<const prometheus::MetricFamily> families);

 private:
  void add(std::string_view name, std::string_view suffix, const prometheus::ClientMetric& metric,
           double value, std::string_view bound = {});
  void add_histogram(std::string_view name, const prometheus::ClientMetric& metric);

  rules::DerivedFamilies families_;
  std::vector<Sample> samples_;
};

}  // namespace qw::exporting
