#include "daemon/store/history.hpp"

#include <algorithm>

namespace qw::store {

std::vector<bool> History::append(const Round& round) {
  auto& target = targets_[round.target];
  ++target.rounds;
  const auto number = target.times.next();
  target.times.push(round.finished);
  target.times.drop_before(round.finished - retention_);
  std::vector<bool> kept(round.samples.size(), true);
  for (std::size_t i = 0; i < round.samples.size(); ++i) {
    const auto& sample = round.samples[i];
    Line* line = find_or_make(target, sample.series, i);
    if (!line) {
      kept[i] = false;
      continue;
    }
    line->round = target.rounds;
    line->track.push(number, sample.value);
    line->track.drop_old();
  }
  end_vanished(target, number);
  return kept;
}

History::Line* History::find_or_make(Target& target, const SeriesPtr& series, std::size_t position) {
  if (position < target.order.size() && target.order[position] &&
      target.order[position]->track.series() == series) {
    return target.order[position];
  }
  if (target.order.size() <= position) target.order.resize(position + 1);
  if (const auto found = target.lines.find(series); found != target.lines.end()) {
    return target.order[position] = found->second.get();
  }
  if (series_ >= max_series_) return target.order[position] = nullptr;
  auto line = std::make_unique<Line>(series, target.times);
  auto& named = by_name_[metric_name(*series)];
  line->name_index = named.lines.size();
  named.lines.push_back(line.get());
  ++series_;
  named.version = ++version_;
  target.order[position] = line.get();
  return target.lines.emplace(series, std::move(line)).first->second.get();
}

void History::end_vanished(Target& target, RoundTimes::Number number) {
  for (auto entry = target.lines.begin(); entry != target.lines.end();) {
    Line& line = *entry->second;
    if (line.round == target.rounds) {
      ++entry;
      continue;
    }
    if (!is_stale_marker(line.track.last_value())) line.track.push(number, stale_marker());
    line.track.drop_old();
    if (!line.track.empty()) {
      ++entry;
      continue;
    }
    std::ranges::replace(target.order, &line, nullptr);
    unlist(line);
    entry = target.lines.erase(entry);
  }
}

void History::set_retention(Nanoseconds retention) {
  retention_ = retention;
  for (auto& [id, target] : targets_) {
    if (target.times.next() == target.times.first()) continue;
    target.times.drop_before(target.times.at(target.times.next() - 1) - retention_);
    for (auto& [key, line] : target.lines) line->track.drop_old();
  }
}

std::uint64_t History::version_of(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? 0 : found->second.version;
}

void History::mark() {
  for (auto& [id, target] : targets_) target.times.mark();
}

void History::forget(const TargetId& target) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return;
  for (const auto& [key, line] : found->second.lines) unlist(*line);
  targets_.erase(found);
}

void History::unlist(const Line& line) {
  const auto found = by_name_.find(metric_name(*line.track.series()));
  auto& [lines, version] = found->second;
  lines[line.name_index] = lines.back();
  lines[line.name_index]->name_index = line.name_index;
  lines.pop_back();
  version = ++version_;
  if (lines.empty()) by_name_.erase(found);
  --series_;
}

template <class Visit>
void History::for_each(const Selector& selector, Visit visit) const {
  const auto look = [&](std::string_view name, const std::vector<Line*>& lines) {
    if (!selector.matches_name(name)) return;
    for (const Line* line : lines) {
      if (selector.matches_labels(*line->track.series())) visit(line->track);
    }
  };
  if (selector.fixed_name().empty()) {
    for (const auto& [name, named] : by_name_) look(name, named.lines);
  } else if (const auto found = by_name_.find(selector.fixed_name()); found != by_name_.end()) {
    look(found->first, found->second.lines);
  }
}

std::vector<SeriesView> History::select(const Selector& selector, SteadyTime from, SteadyTime to) const {
  std::vector<SeriesView> out;
  for_each(selector, [&](const Track& track) {
    auto points = track.between(from, to);
    if (!points.empty()) out.push_back({.series = track.series(), .points = std::move(points)});
  });
  return out;
}

std::vector<const Track*> History::find(const Selector& selector) const {
  std::vector<const Track*> out;
  for_each(selector, [&](const Track& track) { out.push_back(&track); });
  return out;
}

std::size_t History::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, target] : targets_) {
    bytes += (target.times.next() - target.times.first()) * sizeof(SteadyTime);
    for (const auto& [key, line] : target.lines) bytes += line->track.bytes();
  }
  return bytes;
}

}  // namespace qw::store
