#include "daemon/store/store.hpp"

#include <algorithm>
#include <bit>

#include "daemon/store/history.hpp"
#include "daemon/store/matchers.hpp"

namespace qw::store {
namespace {

/// Prometheus' value.StaleNaN: a signalling NaN that no arithmetic yields.
constexpr std::uint64_t kStaleBits = 0x7ff0000000000002;
constexpr std::size_t kNoLimit = static_cast<std::size_t>(-1);

/// The round without the samples that found no room.
RoundPtr cut(const Round& round, const std::vector<bool>& kept) {
  auto copy = std::make_shared<Round>(round);
  std::size_t i = 0;
  std::erase_if(copy->samples, [&](const Sample&) { return !kept[i++]; });
  copy->layout = nullptr;
  return copy;
}

}  // namespace

double stale_marker() {
  return std::bit_cast<double>(kStaleBits);
}
bool is_stale_marker(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleBits;
}

struct Store::Impl {
  explicit Impl(Options options_) : options(options_), history(options.retention, options.max_series) {}

  bool keeps_history() const { return options.retention.count() > 0; }
  std::vector<bool> room_for(const Round& round, std::size_t before) const;

  Options options;
  std::map<TargetId, RoundPtr> rounds;
  History history;
  std::size_t samples = 0;  ///< in the last rounds
  std::size_t most_series = kNoLimit;
  std::uint64_t dropped = 0;
  std::uint64_t generation = 0;
  // What was built for readers since the last change.
  mutable SnapshotPtr cached;
  mutable Patterns patterns;
};

Store::Store(Options options) : impl_(std::make_unique<Impl>(options)) {}
Store::~Store() = default;

void Store::publish(RoundPtr round) {
  auto& last = impl_->rounds[round->target];
  const std::size_t before = last ? last->samples.size() : 0;
  if (impl_->samples - before + round->samples.size() > impl_->most_series) set_retention({});
  const auto kept = impl_->keeps_history() ? impl_->history.append(*round) : impl_->room_for(*round, before);
  const auto left_out = static_cast<std::uint64_t>(std::ranges::count(kept, false));
  if (left_out > 0) {
    round = cut(*round, kept);
    impl_->dropped += left_out;
  }
  impl_->samples = impl_->samples - before + round->samples.size();
  last = std::move(round);
  ++impl_->generation;
  impl_->cached = nullptr;
}

void Store::remember(const Round& round) {
  if (!impl_->keeps_history()) return;
  impl_->dropped += static_cast<std::uint64_t>(std::ranges::count(impl_->history.append(round), false));
}

std::vector<bool> Store::Impl::room_for(const Round& round, std::size_t before) const {
  const std::size_t others = samples - before;
  const std::size_t room = options.max_series > others ? options.max_series - others : 0;
  std::vector<bool> kept(round.samples.size(), true);
  for (std::size_t i = room; i < kept.size(); ++i) kept[i] = false;
  return kept;
}

void Store::forget(const TargetId& target) {
  const auto found = impl_->rounds.find(target);
  if (found == impl_->rounds.end()) return;
  impl_->samples -= found->second->samples.size();
  impl_->history.forget(target);
  impl_->rounds.erase(found);
  ++impl_->generation;
  impl_->cached = nullptr;
}

SnapshotPtr Store::snapshot() const {
  if (!impl_->cached) {
    auto made = std::make_shared<Snapshot>();
    made->generation = impl_->generation;
    made->rounds.reserve(impl_->rounds.size());
    for (const auto& [target, round] : impl_->rounds) {
      (round->derived ? made->derived : made->rounds).push_back(round);
    }
    impl_->cached = std::move(made);
  }
  return impl_->cached;
}

std::vector<SeriesView> Store::select(std::span<const Matcher> matchers, SteadyTime from,
                                      SteadyTime to) const {
  const Selector selector(matchers, impl_->patterns);
  if (impl_->keeps_history()) return impl_->history.select(selector, from, to);
  std::vector<SeriesView> out;
  for (const auto& [target, round] : impl_->rounds) {
    if (round->finished < from || round->finished > to) continue;
    for (const auto& sample : round->samples) {
      if (!selector.matches(*sample.series)) continue;
      out.push_back({.series = sample.series, .points = {{.at = round->finished, .value = sample.value}}});
    }
  }
  return out;
}

std::vector<const Track*> Store::find(std::span<const Matcher> matchers) const {
  if (!impl_->keeps_history()) return {};
  return impl_->history.find(Selector(matchers, impl_->patterns));
}

std::uint64_t Store::tracks_version(std::span<const Matcher> matchers) const {
  const auto named = std::ranges::find_if(matchers, [](const Matcher& matcher) {
    return matcher.type == MatchType::equal && matcher.label == "__name__" && !matcher.value.empty();
  });
  return named == matchers.end() ? impl_->history.version() : impl_->history.version_of(named->value);
}

void Store::mark() {
  impl_->history.mark();
}

std::uint64_t Store::tracks_version() const {
  return impl_->history.version();
}

void Store::set_retention(Nanoseconds retention) {
  set_retention(retention, kNoLimit);
}

void Store::set_retention(Nanoseconds retention, std::size_t most_series) {
  impl_->most_series = most_series;
  if (impl_->samples > most_series) retention = {};
  const bool kept = impl_->keeps_history();
  impl_->options.retention = retention;
  if (!impl_->keeps_history()) {
    for (const auto& [target, round] : impl_->rounds) impl_->history.forget(target);
    return;
  }
  impl_->history.set_retention(retention);
  if (kept) return;
  for (const auto& [target, round] : impl_->rounds) impl_->history.append(*round);
}

Nanoseconds Store::retention() const {
  return impl_->options.retention;
}

std::size_t Store::history_bytes() const {
  return impl_->history.bytes();
}

std::size_t Store::series() const {
  return impl_->keeps_history() ? impl_->history.series() : impl_->samples;
}
std::uint64_t Store::series_dropped() const {
  return impl_->dropped;
}

}  // namespace qw::store
