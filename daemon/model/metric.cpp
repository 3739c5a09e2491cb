#include "daemon/model/metric.hpp"

#include <algorithm>
#include <functional>
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

bool Series::is_same(const Series& other) const {
  return family->name == other.family->name && suffix == other.suffix && labels == other.labels;
}

std::size_t Series::hash() const {
  return std::hash<std::string_view>()(family->name) * 31 + std::hash<std::string_view>()(suffix) * 7 +
         labels.hash();
}

void append_line_prefix(std::string& out, const Series& series) {
  out += series.family->name;
  out += series.suffix;
  char separator = '{';
  for (const auto& [label, value] : series.labels) {
    out += separator;
    out += label;
    out += "=\"";
    append_escaped(out, value);
    out += '"';
    separator = ',';
  }
  out += series.labels.empty() ? " " : "} ";
}

std::string line_prefix(const Series& series) {
  std::string out;
  append_line_prefix(out, series);
  return out;
}

std::size_t line_prefix_bytes(const Series& series) {
  constexpr std::size_t kBetween = 4, kEnd = 2;  // {="" and } with a space
  return series.family->name.size() + series.suffix.size() + series.labels.text_bytes() +
         series.labels.size() * kBetween + kEnd;
}

Samples::Samples(std::string_view system, std::string_view target) : system_(system), target_(target) {}

bool Samples::Wanted::operator==(const Series& series) const {
  constexpr std::size_t kOwn = 2;  // system and target
  return series.family == family && series.suffix == suffix && series.labels.size() == labels.size() + kOwn &&
         std::ranges::all_of(
             labels, [&series](const Label& label) { return series.labels.has(label.name, label.value); });
}

std::size_t Samples::Wanted::hash() const noexcept {
  constexpr std::hash<std::string_view> kText;
  std::size_t sum = std::hash<const void*>()(family) + kText(suffix);
  for (const auto& label : labels) sum += kText(label.name) * 31 + kText(label.value) * 1009;
  return sum;
}

void Samples::add(const MetricFamily& family, double value, std::span<const Label> labels,
                  std::string_view suffix) {
  const Wanted wanted{.family = &family, .labels = labels, .suffix = suffix};
  const Entry*& expected = last_ ? last_->next : first_;
  if (!expected || !(wanted == *expected->series)) expected = &find_or_make(wanted);
  last_ = expected;
  last_->last_used = round_;
  if (samples_.empty() && layout_) samples_.reserve(layout_->size());
  samples_.push_back({last_->series, value});
  // They lie in as many places as there are.
  if (last_->next) __builtin_prefetch(last_->next->series.get());
}

const Samples::Entry& Samples::find_or_make(const Wanted& wanted) {
  const auto found = series_.find(wanted);
  if (found != series_.end()) return *found;
  Labels all{{"system", system_}, {"target", target_}};
  for (const auto& label : wanted.labels) all.set(label.name, label.value);
  auto series = std::make_shared<const Series>(
      Series{.family = wanted.family, .suffix = wanted.suffix, .labels = PackedLabels(all)});
  return *series_
              .insert(
                  {.series = std::move(series), .hash = wanted.hash(), .next = nullptr, .last_used = round_})
              .first;
}

std::vector<Sample> Samples::take() {
  ++round_;
  forget();
  if (!layout_ || !layout_->is_of(samples_))
    layout_ = std::make_shared<const PageLayout>(samples_, layout_.get());
  last_ = nullptr;
  samples_.shrink_to_fit();
  return std::exchange(samples_, {});
}

/// A group that goes from one partition to the next leaves series behind, each for a while.
void Samples::forget() {
  const bool many = round_ % kSweepEvery == 0 && series_.size() > samples_.size() + samples_.size() / 4;
  if (!many && round_ % kForgetAfter != 0) return;
  const std::uint32_t patience = many ? kSweepEvery : kForgetAfter;
  const auto is_idle = [&](const Entry& entry) { return entry.last_used + patience < round_; };
  if (std::erase_if(series_, is_idle) == 0) return;
  // What is gone may have come after one that is still there.
  first_ = nullptr;
  for (const auto& entry : series_) entry.next = nullptr;
}

}  // namespace qw
