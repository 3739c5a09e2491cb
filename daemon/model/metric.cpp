#include "daemon/model/metric.hpp"

#include <utility>

#include "daemon/model/page_layout.hpp"

namespace qw {
namespace {

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        out += c;
    }
  }
}

void append_key_part(std::string& key, std::string_view part) {
  key += part;
  const auto size = part.size();
  key.append(reinterpret_cast<const char*>(&size), sizeof size);
}

}  // namespace

std::string_view name(MetricType type) {
  switch (type) {
    case MetricType::gauge:
      return "gauge";
    case MetricType::counter:
      return "counter";
    case MetricType::histogram:
      return "histogram";
  }
  return "gauge";
}

std::string make_line_prefix(std::string_view name, const Labels& labels) {
  std::string out(name);
  char separator = '{';
  for (const auto& [label, value] : labels) {
    out += separator;
    out += label;
    out += "=\"";
    append_escaped(out, value);
    out += '"';
    separator = ',';
  }
  out += labels.empty() ? " " : "} ";
  return out;
}

Samples::Samples(std::string_view system, std::string_view target) : system_(system), target_(target) {}

void Samples::add(const MetricFamily& family, double value, std::span<const Label> labels,
                  std::string_view suffix) {
  key_.assign(family.name);
  key_ += suffix;
  for (const auto& label : labels) {
    // Each part ends with its length, so that no value can look like two labels.
    append_key_part(key_, label.name);
    append_key_part(key_, label.value);
  }
  auto found = series_.find(key_);
  if (found == series_.end()) {
    Labels all{{"system", system_}, {"target", target_}};
    for (const auto& label : labels) all.set(label.name, label.value);
    auto prefix = make_line_prefix(std::string(family.name) + std::string(suffix), all);
    auto series = std::make_shared<const Series>(Series{
        .family = &family, .suffix = suffix, .labels = std::move(all), .line_prefix = std::move(prefix)});
    found = series_.emplace(key_, Entry{.series = std::move(series), .last_used = round_}).first;
  }
  found->second.last_used = round_;
  samples_.push_back({found->second.series, value});
}

std::vector<Sample> Samples::take() {
  ++round_;
  if (round_ % kForgetAfter == 0) {
    std::erase_if(series_,
                  [this](const auto& entry) { return entry.second.last_used + kForgetAfter < round_; });
  }
  if (!layout_ || !layout_->is_of(samples_)) layout_ = std::make_shared<const PageLayout>(samples_);
  return std::exchange(samples_, {});
}

}  // namespace qw
