#include <prometheus/metric_family.h>

#include <cstdlib>
#include <map>

#include "daemon/export/page.hpp"

namespace qw::exporting {
namespace {

using prometheus::ClientMetric;

std::vector<ClientMetric::Label> client_labels(const PackedLabels& labels, std::string_view without = {}) {
  std::vector<ClientMetric::Label> out;
  for (const auto& [name, value] : labels) {
    if (name == without) continue;
    out.emplace_back();
    out.back().name = name;
    out.back().value = value;
  }
  return out;
}

double parse_bound(std::string_view le) {
  return std::strtod(std::string(le).c_str(), nullptr);
}

/// A histogram comes from the store as separate samples, but is one metric in the library.
void add_to_histogram(ClientMetric& metric, const Sample& sample) {
  const auto& series = *sample.series;
  if (series.suffix == "_sum") {
    metric.histogram.sample_sum = sample.value;
  } else if (series.suffix == "_count") {
    metric.histogram.sample_count = static_cast<std::uint64_t>(sample.value);
  } else {
    ClientMetric::Bucket bucket;
    bucket.cumulative_count = static_cast<std::uint64_t>(sample.value);
    bucket.upper_bound = parse_bound(series.labels.get("le"));
    metric.histogram.bucket.push_back(bucket);
  }
}

prometheus::MetricType client_type(MetricType type) {
  switch (type) {
    case MetricType::gauge:
      return prometheus::MetricType::Gauge;
    case MetricType::counter:
      return prometheus::MetricType::Counter;
    case MetricType::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

struct Collected {
  prometheus::MetricFamily family;
  std::map<Labels, std::size_t> histograms;  // by labels without le: index in family.metric
};

ClientMetric& metric_of(Collected& collected, const Series& series) {
  auto& metrics = collected.family.metric;
  if (series.family->type != MetricType::histogram) {
    metrics.emplace_back();
    metrics.back().label = client_labels(series.labels);
    return metrics.back();
  }
  std::vector<Labels::Pair> rest;
  for (const auto& [name, value] : series.labels) {
    if (name != "le") rest.emplace_back(name, value);
  }
  const auto [found, is_new] = collected.histograms.try_emplace(Labels(std::move(rest)), metrics.size());
  if (is_new) {
    metrics.emplace_back();
    metrics.back().label = client_labels(series.labels, "le");
  }
  return metrics[found->second];
}

}  // namespace

std::vector<prometheus::MetricFamily> StoreCollectable::Collect() const {
  std::map<std::string_view, Collected> by_name;
  for (const auto& round : snapshot_->rounds) {
    for (const auto& sample : round->samples) {
      const auto& family = *sample.series->family;
      auto [found, is_new] = by_name.try_emplace(family.name);
      auto& collected = found->second;
      if (is_new) {
        collected.family.name = family.name;
        collected.family.help = family.help;
        collected.family.type = client_type(family.type);
      }
      auto& metric = metric_of(collected, *sample.series);
      switch (family.type) {
        case MetricType::gauge:
          metric.gauge.value = sample.value;
          break;
        case MetricType::counter:
          metric.counter.value = sample.value;
          break;
        case MetricType::histogram:
          add_to_histogram(metric, sample);
          break;
      }
    }
  }
  std::vector<prometheus::MetricFamily> out;
  out.reserve(by_name.size());
  for (auto& [name, collected] : by_name) out.push_back(std::move(collected.family));
  return out;
}

}  // namespace qw::exporting
