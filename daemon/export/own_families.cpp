#include "daemon/export/own_families.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "daemon/export/number.hpp"

namespace qw::exporting {
namespace {

/// The daemon's own families as text. They are few, so clarity goes before speed here.
class OwnWriter {
 public:
  explicit OwnWriter(PageFormat format) : format_(format) {}

  std::string write(const prometheus::MetricFamily& family) {
    out_.clear();
    for (const auto& metric : family.metric) write_metric(family, metric);
    return std::move(out_);
  }

 private:
  using Metric = prometheus::ClientMetric;

  void write_metric(const prometheus::MetricFamily& family, const Metric& metric) {
    switch (family.type) {
      case prometheus::MetricType::Counter:
        line(family.name, "", metric, metric.counter.value);
        break;
      case prometheus::MetricType::Gauge:
        line(family.name, "", metric, metric.gauge.value);
        break;
      case prometheus::MetricType::Untyped:
        line(family.name, "", metric, metric.untyped.value);
        break;
      case prometheus::MetricType::Histogram:
        write_histogram(family.name, metric);
        break;
      case prometheus::MetricType::Summary:
        write_summary(family.name, metric);
        break;
    }
  }

  void write_histogram(std::string_view name, const Metric& metric) {
    bool has_infinity = false;
    for (const auto& bucket : metric.histogram.bucket) {
      line(name, "_bucket", metric, static_cast<double>(bucket.cumulative_count), "le", bucket.upper_bound);
      has_infinity = bucket.upper_bound == std::numeric_limits<double>::infinity();
    }
    const auto count = static_cast<double>(metric.histogram.sample_count);
    if (!has_infinity) line(name, "_bucket", metric, count, "le", std::numeric_limits<double>::infinity());
    line(name, "_sum", metric, metric.histogram.sample_sum);
    line(name, "_count", metric, count);
  }

  void write_summary(std::string_view name, const Metric& metric) {
    for (const auto& quantile : metric.summary.quantile) {
      line(name, "", metric, quantile.value, "quantile", quantile.quantile);
    }
    line(name, "_sum", metric, metric.summary.sample_sum);
    line(name, "_count", metric, static_cast<double>(metric.summary.sample_count));
  }

  void line(std::string_view name, std::string_view suffix, const Metric& metric, double value,
            std::string_view extra = {}, double bound = 0) {
    out_ += name;
    out_ += suffix;
    char separator = '{';
    for (const auto& label : metric.label) {
      open_label(separator, label.name);
      append_escaped(out_, label.value, true);
      out_ += '"';
    }
    if (!extra.empty()) {
      open_label(separator, extra);
      write_bound(bound);
      out_ += '"';
    }
    out_ += separator == '{' ? " " : "} ";
    number(value);
    out_ += '\n';
  }

  void open_label(char& separator, std::string_view label) {
    out_ += std::exchange(separator, ',');
    out_ += label;
    out_ += "=\"";
  }

  /// A bound is part of the series' identity, so it is spelled as Go's clients do: "0.0001", "1" and in
  /// OpenMetrics "1.0".
  void write_bound(double bound) {
    const bool whole = std::trunc(bound) == bound;
    if (whole || !std::isfinite(bound)) {
      number(bound);
      if (format_ == PageFormat::open_metrics && std::isfinite(bound)) out_ += ".0";
      return;
    }
    std::array<char, kMaxNumber> text;
    char* end = std::to_chars(text.data(), text.data() + text.size(), bound, std::chars_format::general).ptr;
    out_.append(text.data(), end);
  }

  void number(double value) {
    std::array<char, kMaxNumber> text;
    out_.append(text.data(), write_number(text.data(), value));
  }

  PageFormat format_;
  std::string out_;
};

}  // namespace

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '"':
        out += quotes ? "\\\"" : "\"";
        break;
      default:
        out += c;
    }
  }
}

std::string_view type_name(prometheus::MetricType type, PageFormat format) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Summary:
      return "summary";
    case prometheus::MetricType::Histogram:
      return "histogram";
    case prometheus::MetricType::Untyped:
      break;
  }
  return format == PageFormat::open_metrics ? "unknown" : "untyped";
}

std::string write_own(const prometheus::MetricFamily& family, PageFormat format) {
  return OwnWriter(format).write(family);
}

}  // namespace qw::exporting
