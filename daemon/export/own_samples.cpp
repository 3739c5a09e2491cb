#include "daemon/export/own_samples.hpp"

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "daemon/export/number.hpp"

namespace qw::exporting {
namespace {

std::string print(double value) {
  std::array<char, kMaxNumber> text{};
  return {text.data(), write_number(text.data(), value)};
}

}  // namespace

std::vector<Sample> OwnSamples::read(std::span<const prometheus::MetricFamily> families) {
  for (const auto& family : families) {
    for (const auto& metric : family.metric) {
      switch (family.type) {
        case prometheus::MetricType::Counter:
          add(family.name, "", metric, metric.counter.value);
          break;
        case prometheus::MetricType::Gauge:
          add(family.name, "", metric, metric.gauge.value);
          break;
        case prometheus::MetricType::Untyped:
          add(family.name, "", metric, metric.untyped.value);
          break;
        case prometheus::MetricType::Histogram:
          add_histogram(family.name, metric);
          break;
        case prometheus::MetricType::Summary:
          break;  // the daemon has none
      }
    }
  }
  return std::exchange(samples_, {});
}

void OwnSamples::add(std::string_view name, std::string_view suffix, const prometheus::ClientMetric& metric,
                     double value, std::string_view bound) {
  Labels labels;
  const auto full = std::string(name) + std::string(suffix);
  families_.add(full);
  labels.set("__name__", full);
  for (const auto& label : metric.label) labels.set(label.name, label.value);
  if (!bound.empty()) labels.set("le", bound);
  samples_.push_back({families_.make(labels)->series, value});
}

void OwnSamples::add_histogram(std::string_view name, const prometheus::ClientMetric& metric) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto& histogram = metric.histogram;
  const auto count = static_cast<double>(histogram.sample_count);
  for (const auto& bucket : histogram.bucket) {
    if (bucket.upper_bound == kInfinity) continue;
    add(name, "_bucket", metric, static_cast<double>(bucket.cumulative_count), print(bucket.upper_bound));
  }
  add(name, "_bucket", metric, count, print(kInfinity));
  add(name, "_sum", metric, histogram.sample_sum);
  add(name, "_count", metric, count);
}

}  // namespace qw::exporting
