#include "daemon/promql/store_source.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/base/pattern.hpp"
#include "daemon/store/matchers.hpp"
#include "daemon/store/track.hpp"

namespace qw::promql {
namespace {

constexpr std::string_view kNameLabel = "__name__";
constexpr std::int64_t kNanosPerMilli = 1'000'000;

/// Different for different matchers.
std::string key_of(std::span<const store::Matcher> matchers) {
  std::string key;
  for (const auto& matcher : matchers) {
    key += matcher.label;
    key += '\0';
    key += static_cast<char>(matcher.type);
    key += std::to_string(matcher.value.size());
    key += ':';
    key += matcher.value;
  }
  return key;
}

bool holds(const store::Matcher& matcher, std::string_view value) {
  const bool positive = matcher.type == store::MatchType::equal || matcher.type == store::MatchType::regex;
  if (matcher.type == store::MatchType::equal || matcher.type == store::MatchType::not_equal)
    return (matcher.value == value) == positive;
  const auto pattern = Pattern::compile(matcher.value);
  return pattern && pattern->matches(value) == positive;
}

/// What reading the labels of a new series costs, in points.
constexpr std::size_t kPointsOfLabels = 100;

/// `millis` later than `offset` before the steady clock's zero, as far as 64 bits reach.
SteadyTime steady(Millis millis, Nanoseconds offset, std::int64_t further) {
  const auto wanted = static_cast<__int128>(millis) * kNanosPerMilli - offset.count() + further;
  constexpr __int128 kLow = std::numeric_limits<std::int64_t>::min();
  constexpr __int128 kHigh = std::numeric_limits<std::int64_t>::max();
  return SteadyTime(Nanoseconds(static_cast<std::int64_t>(std::clamp(wanted, kLow, kHigh))));
}

Point shown(const store::Point& point, Nanoseconds offset) {
  const auto wall = (point.at.time_since_epoch() + offset).count();
  const auto below = wall < 0 && wall % kNanosPerMilli != 0 ? 1 : 0;
  return {.at = wall / kNanosPerMilli - below, .value = point.value};
}

}  // namespace

struct StoreIndex::Impl {
  Impl(const store::Store& store_, Labels added_) : store(store_), added(std::move(added_)) {}

  struct Found {
    const store::Track* track;
    SeriesLabelsPtr labels;  ///< null: nobody has needed them yet
  };
  struct Selector {
    std::optional<std::uint64_t> version;  ///< of the store's tracks
    std::vector<Found> found;
  };

  /// Good until the store's tracks change, or another selector is looked for.
  std::vector<Found>& find(std::span<const store::Matcher> matchers);
  SeriesLabelsPtr labels_of(const SeriesPtr& series);
  /// What is left to ask the store once the added labels are taken care of; nothing when they do not match.
  std::optional<std::vector<store::Matcher>> for_store(std::span<const store::Matcher> matchers) const;
  void sweep();

  const store::Store& store;
  Labels added;
  std::unordered_map<std::string, Selector> selectors;
  /// With the series itself, so that its address stays its own.
  std::unordered_map<const Series*, std::pair<SeriesPtr, SeriesLabelsPtr>> labels;
  std::uint64_t swept = 0;
};

Labels with_name(const Series& series, const Labels& added) {
  std::vector<Labels::Pair> pairs;
  pairs.emplace_back(kNameLabel, store::metric_name(series));
  for (const auto& [name, value] : series.labels) {
    if (added.get(name).empty()) pairs.emplace_back(name, value);
  }
  for (const auto& pair : added) pairs.push_back(pair);
  return Labels(std::move(pairs));
}

StoreIndex::StoreIndex(const store::Store& store, Labels added)
    : impl_(std::make_unique<Impl>(store, std::move(added))) {}
StoreIndex::~StoreIndex() = default;

void StoreIndex::set_added(Labels added) {
  impl_->added = std::move(added);
  impl_->selectors.clear();
  impl_->labels.clear();
}

std::size_t StoreIndex::selectors() const {
  return impl_->selectors.size();
}
std::size_t StoreIndex::labels() const {
  return impl_->labels.size();
}

std::vector<StoreIndex::Impl::Found>& StoreIndex::Impl::find(std::span<const store::Matcher> matchers) {
  auto key = key_of(matchers);
  if (selectors.size() >= kMaxSelectors && !selectors.contains(key)) selectors.clear();
  auto& selector = selectors[std::move(key)];
  const auto version = store.tracks_version(matchers);
  if (selector.version == version) return selector.found;
  selector.version = version;
  selector.found.clear();
  if (const auto asked = for_store(matchers)) {
    for (const auto* const track : store.find(*asked))
      selector.found.push_back({.track = track, .labels = nullptr});
  }
  if (swept != store.tracks_version()) sweep();
  return selector.found;
}

/// Forgets the labels of series that are gone, now and then: when they are as many as those that are left.
void StoreIndex::Impl::sweep() {
  swept = store.tracks_version();
  if (labels.size() < 2 * store.series() + 64) return;
  std::erase_if(labels, [](const auto& entry) { return entry.second.first.use_count() == 1; });
}

SeriesLabelsPtr StoreIndex::Impl::labels_of(const SeriesPtr& series) {
  auto& entry = labels[series.get()];
  if (!entry.first) entry = {series, share(with_name(*series, added))};
  return entry.second;
}

std::optional<std::vector<store::Matcher>> StoreIndex::Impl::for_store(
    std::span<const store::Matcher> matchers) const {
  std::vector<store::Matcher> left;
  for (const auto& matcher : matchers) {
    const auto value = added.get(matcher.label);
    if (value.empty()) {
      left.push_back(matcher);
    } else if (!holds(matcher, value)) {
      return std::nullopt;
    }
  }
  return left;
}

StoreSource::Interval StoreSource::interval(Millis from, Millis to) const {
  // A point belongs to the millisecond that it lies in.
  return {.from = steady(from, offset_, 0), .to = steady(to, offset_, kNanosPerMilli - 1)};
}

Point StoreSource::point(const store::Point& point) const {
  return shown(point, offset_);
}

bool StoreSource::spend(std::size_t points) const {
  if (points > budget_) exceeded_ = true;
  if (exceeded_) return false;
  budget_ -= points;
  return true;
}

std::vector<Source::Series> StoreSource::select(std::span<const store::Matcher> matchers, Millis from,
                                                Millis to) const {
  return *fetch(matchers, from, to, Need::all);
}

Source::Selection StoreSource::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                     Need need) const {
  const auto when = interval(from, to);
  auto& index = *index_.impl_;
  if (index.store.retention().count() == 0)
    return std::make_shared<const std::vector<Series>>(without_history(matchers, when));
  auto out = std::make_shared<std::vector<Series>>();
  auto& found = index.find(matchers);
  out->reserve(found.size());
  for (auto& [track, labels] : found) {
    if (!spend(need == Need::newest ? 1 : track->points_between(when.from, when.to))) break;
    std::vector<Point> points;
    if (need == Need::newest) {
      if (const auto newest = track->newest(when.from, when.to)) points.push_back(point(*newest));
    } else {
      points.reserve(track->points_between(when.from, when.to));
      track->visit(when.from, when.to,
                   [&](SteadyTime at, double value) { points.push_back(point({.at = at, .value = value})); });
    }
    if (points.empty()) continue;
    if (!labels) labels = index.labels_of(track->series());
    out->push_back({.labels = labels, .points = std::move(points)});
  }
  return out;
}

StoreFetch::StoreFetch(StoreIndex& index, Nanoseconds offset, Ask ask)
    : index_(index), offset_(offset), ask_(std::move(ask)) {}

void StoreFetch::begin() {
  version_ = index_.impl_->store.tracks_version(ask_.matchers);
  next_ = 0;
  out_ = std::make_shared<std::vector<Source::Series>>();
}

bool StoreFetch::go_on(std::size_t points) {
  auto& index = *index_.impl_;
  if (version_ != index.store.tracks_version(ask_.matchers)) begin();
  const auto from = steady(ask_.from, offset_, 0);
  const auto to = steady(ask_.to, offset_, kNanosPerMilli - 1);
  auto& found = index.find(ask_.matchers);
  for (; next_ < found.size() && points > 0; ++next_) {
    auto& [track, labels] = found[next_];
    std::vector<Point> taken;
    if (ask_.need == Source::Need::newest) {
      if (const auto newest = track->newest(from, to, store::Seen::marked))
        taken.push_back(shown(*newest, offset_));
    } else {
      taken.reserve(track->points_between(from, to, store::Seen::marked));
      track->visit(
          from, to,
          [&](SteadyTime at, double value) { taken.push_back(shown({.at = at, .value = value}, offset_)); },
          store::Seen::marked);
    }
    auto cost = taken.size() + 1;
    if (!taken.empty()) {
      if (!labels) {
        labels = index.labels_of(track->series());
        cost += kPointsOfLabels;
      }
      out_->push_back({.labels = labels, .points = std::move(taken)});
    }
    points -= std::min(points, cost);
  }
  return next_ >= found.size();
}

std::vector<SeriesPtr> StoreSource::series(std::span<const store::Matcher> matchers, Millis from,
                                           Millis to) const {
  std::vector<SeriesPtr> out;
  const auto when = interval(from, to);
  const auto& index = *index_.impl_;
  const auto asked = index.for_store(matchers);
  if (!asked) return out;
  if (index.store.retention().count() == 0) {
    for (const auto& view : index.store.select(*asked, when.from, when.to)) out.push_back(view.series);
    return out;
  }
  for (const auto* const track : index.store.find(*asked)) {
    if (track->newest(when.from, when.to)) out.push_back(track->series());
  }
  return out;
}

/// The last rounds are all there is.
std::vector<Source::Series> StoreSource::without_history(std::span<const store::Matcher> matchers,
                                                         Interval when) const {
  std::vector<Series> out;
  auto& index = *index_.impl_;
  const auto asked = index.for_store(matchers);
  if (!asked) return out;
  for (const auto& view : index.store.select(*asked, when.from, when.to)) {
    if (!spend(view.points.size())) break;
    Series series{.labels = index.labels_of(view.series), .points = {}};
    for (const auto& each : view.points) series.points.push_back(point(each));
    out.push_back(std::move(series));
  }
  if (index.swept != index.store.tracks_version() || index.labels.size() > 2 * index.store.series() + 64)
    index.sweep();
  return out;
}

}  // namespace qw::promql
