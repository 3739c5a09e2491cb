#include "tests/promql/memory_source.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace qw::promql {

void MemorySource::add(const Labels& labels, const std::vector<Point>& points) {
  const auto [place, fresh] = places_.try_emplace(labels, series_.size());
  if (fresh) {
    by_name_[std::string(labels.get("__name__"))].push_back(series_.size());
    series_.push_back({.labels = share(labels), .points = {}});
  }
  auto& held = series_[place->second].points;
  const bool behind = held.empty() || points.empty() || held.back().at < points.front().at;
  if (behind) {
    held.insert(held.end(), points.begin(), points.end());
    return;
  }
  std::map<Millis, double> all;
  for (const auto& point : held) all[point.at] = point.value;
  for (const auto& point : points) all[point.at] = point.value;
  held.clear();
  for (const auto& [at, value] : all) held.push_back({.at = at, .value = value});
}

void MemorySource::forbid(const Labels& labels, const std::string& why) {
  forbidden_.try_emplace(labels, why);
}

void MemorySource::clear() {
  series_.clear();
  places_.clear();
  by_name_.clear();
  forbidden_.clear();
}

bool MemorySource::matches(std::span<const store::Matcher> matchers, const Labels& labels) const {
  return std::ranges::all_of(matchers, [&](const store::Matcher& matcher) {
    const auto value = labels.get(matcher.label);
    if (matcher.type == store::MatchType::equal) return value == matcher.value;
    if (matcher.type == store::MatchType::not_equal) return value != matcher.value;
    auto& pattern = patterns_[matcher.value];
    if (!pattern) {
      auto compiled = Pattern::compile(matcher.value);
      if (!compiled) return false;
      pattern = std::move(*compiled);
    }
    return pattern->matches(value) == (matcher.type == store::MatchType::regex);
  });
}

std::vector<Source::Series> MemorySource::select(std::span<const store::Matcher> matchers, Millis from,
                                                 Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

Source::Selection MemorySource::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                      Need need) const {
  for (const auto& [labels, why] : forbidden_) {
    if (matches(matchers, labels)) touched_ = why;
  }
  auto out = std::make_shared<std::vector<Series>>();
  const auto places = candidates(matchers);
  out->reserve(places.size());
  // The index of names has answered a matcher that comes first, as it does in `name{...}`.
  const bool named =
      !matchers.empty() && matchers[0].label == "__name__" && matchers[0].type == store::MatchType::equal;
  const auto others = named ? matchers.subspan(1) : matchers;
  for (const auto place : places) {
    const auto& series = series_[place];
    if (!matches(others, series.labels->labels)) continue;
    const auto before = [](const Point& point, Millis time) { return point.at < time; };
    auto first = std::lower_bound(series.points.begin(), series.points.end(), from, before);
    const auto last = std::lower_bound(first, series.points.end(), to + 1, before);
    if (first == last) continue;
    if (need == Need::newest) first = last - 1;
    out->push_back({.labels = series.labels, .points = {first, last}});
  }
  return out;
}

std::vector<std::size_t> MemorySource::candidates(std::span<const store::Matcher> matchers) const {
  std::vector<std::size_t> places;
  const auto fixes_name = [](const store::Matcher& one) {
    return one.label == "__name__" && one.type == store::MatchType::equal;
  };
  const auto name = std::ranges::find_if(matchers, fixes_name);
  if (name != matchers.end()) {
    const auto found = by_name_.find(name->value);
    if (found != by_name_.end()) places = found->second;
  } else {
    places.resize(series_.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
  }
  if (order_ == Order::labels) {
    std::ranges::sort(places, {},
                      [this](std::size_t place) -> const Labels& { return series_[place].labels->labels; });
  }
  return places;
}

std::optional<std::string> MemorySource::take_forbidden() const {
  return std::exchange(touched_, std::nullopt);
}

}  // namespace qw::promql
