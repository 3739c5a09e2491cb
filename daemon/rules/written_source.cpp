#include "daemon/rules/written_source.hpp"

#include <algorithm>
#include <optional>

#include "daemon/rules/selectors.hpp"

namespace qw::rules {

void WrittenSamples::clear(promql::Millis at) {
  at_ = at;
  samples_.clear();
}

bool WrittenSamples::add(const promql::SeriesLabelsPtr& labels, double value) {
  auto& named = samples_[std::string(labels->labels.get("__name__"))];
  const auto [found, is_new] = named.try_emplace(labels->labels, Sample{labels, value});
  if (is_new) return true;
  if (!store::is_stale_marker(found->second.value) || store::is_stale_marker(value)) return false;
  found->second.value = value;
  return true;
}

double WrittenSamples::value_of(const Labels& labels) const {
  return samples_.find(labels.get("__name__"))->second.at(labels).value;
}

std::vector<const WrittenSamples::Sample*> WrittenSource::matching(std::span<const store::Matcher> matchers,
                                                                   promql::Millis from,
                                                                   promql::Millis to) const {
  std::vector<const WrittenSamples::Sample*> out;
  if (written_.at() < from || written_.at() > to) return out;
  std::optional<RuleSelector> selector;
  const auto look = [&](const std::map<Labels, WrittenSamples::Sample>& named) {
    if (!selector) selector.emplace(matchers);
    for (const auto& [labels, sample] : named) {
      if (selector->matches(labels)) out.push_back(&sample);
    }
  };
  const auto fixed = std::ranges::find_if(matchers, [](const store::Matcher& matcher) {
    return matcher.type == store::MatchType::equal && matcher.label == "__name__";
  });
  // Most selectors name a metric that no rule writes: then no pattern need be compiled.
  if (fixed == matchers.end()) {
    for (const auto& [name, named] : written_.samples()) look(named);
  } else if (const auto found = written_.samples().find(fixed->value); found != written_.samples().end()) {
    look(found->second);
  }
  return out;
}

void WrittenSource::put_on_top(std::vector<Series>& series,
                               const std::vector<const WrittenSamples::Sample*>& top) const {
  std::map<std::uint64_t, std::vector<std::size_t>> by_hash;
  for (std::size_t i = 0; i < series.size(); ++i) by_hash[series[i].labels->hash].push_back(i);
  for (const auto* sample : top) {
    Series* under = nullptr;
    for (const auto i : by_hash[sample->labels->hash]) {
      if (series[i].labels->labels == sample->labels->labels) under = &series[i];
    }
    if (!under) {
      series.push_back({.labels = sample->labels, .points = {}});
      under = &series.back();
    }
    auto& points = under->points;
    if (!points.empty() && points.back().at == written_.at()) points.pop_back();
    points.push_back({.at = written_.at(), .value = sample->value});
  }
}

std::vector<promql::Source::Series> WrittenSource::select(std::span<const store::Matcher> matchers,
                                                          promql::Millis from, promql::Millis to) const {
  auto out = base_.select(matchers, from, to);
  const auto top = matching(matchers, from, to);
  if (!top.empty()) put_on_top(out, top);
  return out;
}

promql::Source::Selection WrittenSource::fetch(std::span<const store::Matcher> matchers, promql::Millis from,
                                               promql::Millis to, Need need) const {
  auto under = base_.fetch(matchers, from, to, need);
  const auto top = matching(matchers, from, to);
  if (top.empty()) return under;
  auto out = std::make_shared<std::vector<Series>>(*under);
  put_on_top(*out, top);
  return out;
}

}  // namespace qw::rules
