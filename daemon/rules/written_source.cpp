#include "daemon/rules/written_source.hpp"

#include <algorithm>
#include <optional>

#include "daemon/rules/selectors.hpp"

namespace qw::rules {

void WrittenSamples::clear(promql::Millis at) {
  at_ = at;
  samples_.clear();
}

const WrittenSamples::Sample* WrittenSamples::Named::find(const promql::SeriesLabels& labels) const {
  const auto [first, last] = places.equal_range(labels.hash);
  for (auto found = first; found != last; ++found) {
    if (samples[found->second].labels->labels == labels.labels) return &samples[found->second];
  }
  return nullptr;
}

bool WrittenSamples::add(const promql::SeriesLabelsPtr& labels, double value) {
  const auto name = labels->labels.get("__name__");
  auto named = samples_.find(name);
  if (named == samples_.end()) named = samples_.emplace(std::string(name), Named()).first;
  const auto* known = named->second.find(*labels);
  if (!known) {
    named->second.places.emplace(labels->hash, named->second.samples.size());
    named->second.samples.push_back({labels, value});
    return true;
  }
  if (!store::is_stale_marker(known->value) || store::is_stale_marker(value)) return false;
  named->second.samples[static_cast<std::size_t>(known - named->second.samples.data())].value = value;
  return true;
}

double WrittenSamples::value_of(const promql::SeriesLabels& labels) const {
  return samples_.find(labels.labels.get("__name__"))->second.find(labels)->value;
}

std::vector<const WrittenSamples::Sample*> WrittenSamples::matching(std::span<const store::Matcher> matchers,
                                                                    promql::Millis from,
                                                                    promql::Millis to) const {
  std::vector<const WrittenSamples::Sample*> out;
  if (at_ < from || at_ > to) return out;
  std::optional<RuleSelector> selector;
  const auto look = [&](const Named& named) {
    if (!selector) selector.emplace(matchers);
    for (const auto& sample : named.samples) {
      if (selector->matches(sample.labels->labels)) out.push_back(&sample);
    }
  };
  const auto fixed = std::ranges::find_if(matchers, [](const store::Matcher& matcher) {
    return matcher.type == store::MatchType::equal && matcher.label == "__name__";
  });
  // Most selectors name a metric that no rule writes: then no pattern need be compiled.
  if (fixed == matchers.end()) {
    for (const auto& [name, named] : samples_) look(named);
  } else if (const auto found = samples_.find(fixed->value); found != samples_.end()) {
    look(found->second);
  }
  return out;
}

void WrittenSamples::put_on_top(std::vector<promql::Source::Series>& series,
                                const std::vector<const Sample*>& top) const {
  std::unordered_multimap<std::uint64_t, std::size_t> by_hash;
  for (std::size_t i = 0; i < series.size(); ++i) by_hash.emplace(series[i].labels->hash, i);
  for (const auto* sample : top) {
    promql::Source::Series* under = nullptr;
    const auto [first, last] = by_hash.equal_range(sample->labels->hash);
    for (auto found = first; found != last; ++found) {
      if (series[found->second].labels->labels == sample->labels->labels) under = &series[found->second];
    }
    if (!under) {
      series.push_back({.labels = sample->labels, .points = {}});
      under = &series.back();
    }
    auto& points = under->points;
    if (!points.empty() && points.back().at == at_) points.pop_back();
    points.push_back({.at = at_, .value = sample->value});
  }
}

promql::Source::Selection WrittenSamples::on_top_of(promql::Source::Selection under,
                                                    std::span<const store::Matcher> matchers,
                                                    promql::Millis from, promql::Millis to) const {
  const auto top = matching(matchers, from, to);
  if (top.empty()) return under;
  auto out = std::make_shared<std::vector<promql::Source::Series>>(*under);
  put_on_top(*out, top);
  return out;
}

std::vector<promql::Source::Series> WrittenSource::select(std::span<const store::Matcher> matchers,
                                                          promql::Millis from, promql::Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

promql::Source::Selection WrittenSource::fetch(std::span<const store::Matcher> matchers, promql::Millis from,
                                               promql::Millis to, Need need) const {
  return written_.on_top_of(base_.fetch(matchers, from, to, need), matchers, from, to);
}

}  // namespace qw::rules
