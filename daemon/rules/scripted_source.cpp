#include "daemon/rules/scripted_source.hpp"

#include <algorithm>

#include "daemon/rules/selectors.hpp"

namespace qw::rules {

ScriptedSource::Line& ScriptedSource::line(const promql::SeriesLabelsPtr& labels) {
  auto& named = by_name_[std::string(labels->labels.get("__name__"))];
  for (const auto i : named) {
    const auto& there = lines_[i].labels;
    if (there == labels || (there->hash == labels->hash && there->labels == labels->labels)) return lines_[i];
  }
  named.push_back(lines_.size());
  lines_.push_back({.labels = labels, .points = {}, .planned = {}});
  return lines_.back();
}

void ScriptedSource::add(const promql::SeriesDescription& series, promql::Millis start, promql::Millis step) {
  auto& into = line(promql::share(series.labels));
  auto at = start;
  for (const auto& value : series.values) {
    if (!value.omitted) into.planned.push_back({.at = at, .value = value.value});
    at += step;
  }
  // The same series may be given twice, with values at other times.
  std::ranges::sort(into.planned, {}, &promql::Point::at);
}

void ScriptedSource::advance(promql::Millis until) {
  for (auto& line : lines_) {
    while (line.next < line.planned.size() && line.planned[line.next].at <= until) {
      const auto point = line.planned[line.next++];
      if (line.points.empty() || line.points.back().at < point.at) line.points.push_back(point);
    }
  }
}

void ScriptedSource::write(const promql::SeriesLabelsPtr& labels, promql::Point point) {
  auto& points = line(labels).points;
  if (points.empty() || points.back().at < point.at) points.push_back(point);
}

std::vector<promql::Source::Series> ScriptedSource::select(std::span<const store::Matcher> matchers,
                                                           promql::Millis from, promql::Millis to) const {
  std::vector<Series> out;
  const RuleSelector selector(matchers);
  const auto take = [&](const Line& line) {
    if (!selector.matches(line.labels->labels)) return;
    const auto begin = std::ranges::lower_bound(line.points, from, {}, &promql::Point::at);
    const auto end = std::ranges::upper_bound(line.points, to, {}, &promql::Point::at);
    if (begin < end) out.push_back({.labels = line.labels, .points = {begin, end}});
  };
  if (selector.name().empty()) {
    for (const auto& line : lines_) take(line);
  } else if (const auto found = by_name_.find(selector.name()); found != by_name_.end()) {
    for (const auto i : found->second) take(lines_[i]);
  }
  return out;
}

}  // namespace qw::rules
