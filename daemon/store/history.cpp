#include "daemon/store/history.hpp"

#include <algorithm>

namespace qw::store {

std::vector<bool> History::append(const Round& round) {
  auto& target = targets_[round.target];
  ++target.rounds;
  std::vector<bool> kept(round.samples.size(), true);
  for (std::size_t i = 0; i < round.samples.size(); ++i) {
    const auto& sample = round.samples[i];
    Line* line = find_or_make(target, sample.series, i);
    if (!line) {
      kept[i] = false;
      continue;
    }
    line->round = target.rounds;
    line->points.drop_before(round.finished - retention_);
    line->points.push({.at = round.finished, .value = sample.value});
  }
  end_vanished(target, round.finished);
  return kept;
}

History::Line* History::find_or_make(Target& target, const SeriesPtr& series, std::size_t position) {
  if (position < target.order.size() && target.order[position] && target.order[position]->series == series) {
    return target.order[position];
  }
  if (target.order.size() <= position) target.order.resize(position + 1);
  if (const auto found = target.lines.find(series->line_prefix); found != target.lines.end()) {
    return target.order[position] = found->second.get();
  }
  if (series_ >= max_series_) return target.order[position] = nullptr;
  auto line = std::make_unique<Line>();
  line->series = series;
  auto& named = by_name_[metric_name(*series)];
  line->name_index = named.size();
  named.push_back(line.get());
  ++series_;
  target.order[position] = line.get();
  return target.lines.emplace(series->line_prefix, std::move(line)).first->second.get();
}

void History::end_vanished(Target& target, SteadyTime at) {
  for (auto entry = target.lines.begin(); entry != target.lines.end();) {
    Line& line = *entry->second;
    if (line.round == target.rounds) {
      ++entry;
      continue;
    }
    if (!is_stale_marker(line.points.back().value)) line.points.push({.at = at, .value = stale_marker()});
    line.points.drop_before(at - retention_);
    if (!line.points.empty()) {
      ++entry;
      continue;
    }
    std::ranges::replace(target.order, &line, nullptr);
    unlist(line);
    entry = target.lines.erase(entry);
  }
}

void History::forget(const TargetId& target) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return;
  for (const auto& [prefix, line] : found->second.lines) unlist(*line);
  targets_.erase(found);
}

void History::unlist(const Line& line) {
  const auto found = by_name_.find(metric_name(*line.series));
  auto& named = found->second;
  named[line.name_index] = named.back();
  named[line.name_index]->name_index = line.name_index;
  named.pop_back();
  if (named.empty()) by_name_.erase(found);
  --series_;
}

std::vector<SeriesView> History::select(const Selector& selector, SteadyTime from, SteadyTime to) const {
  std::vector<SeriesView> out;
  const auto collect = [&](const std::vector<Line*>& lines) {
    for (const Line* line : lines) {
      if (!selector.matches(*line->series)) continue;
      auto points = line->points.between(from, to);
      if (!points.empty()) out.push_back({.series = line->series, .points = std::move(points)});
    }
  };
  if (selector.fixed_name().empty()) {
    for (const auto& [name, lines] : by_name_) collect(lines);
  } else if (const auto found = by_name_.find(selector.fixed_name()); found != by_name_.end()) {
    collect(found->second);
  }
  return out;
}

void History::Points::drop_before(SteadyTime time) {
  while (first_ < points_.size() && points_[first_].at < time) ++first_;
  // Moving the rest down only when half is unused keeps the cost of each point constant.
  if (first_ * 2 > points_.size()) {
    points_.erase(points_.begin(), points_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

std::vector<Point> History::Points::between(SteadyTime from, SteadyTime to) const {
  const auto begin =
      std::lower_bound(points_.begin() + static_cast<std::ptrdiff_t>(first_), points_.end(), from,
                       [](const Point& point, SteadyTime time) { return point.at < time; });
  const auto end = std::upper_bound(begin, points_.end(), to,
                                    [](SteadyTime time, const Point& point) { return time < point.at; });
  return {begin, end};
}

}  // namespace qw::store
