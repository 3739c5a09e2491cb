#include "probes/signals/clock.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kOffset{
    "quorumwatch_clock_offset_seconds", gauge,
    "How far the member's clock is ahead of ours, give or take quorumwatch_clock_bound_seconds.",
    "member source"};
constexpr MetricFamily kBound{"quorumwatch_clock_bound_seconds", gauge,
                              "Half the width of the interval that holds the offset of the member's clock.",
                              "member source"};
constexpr const MetricFamily* kFamilies[] = {&kOffset, &kBound};

// Names come from the network too: beyond this number, those of earlier rounds are forgotten.
constexpr std::size_t kMostSources = 512;

// By how much the wall clock may outrun the monotonic one within an exchange: it is slewed by 500 ppm at
// most, and exchanges last 2 s at most. Beyond that it was set in between, and the reading says nothing.
constexpr Nanoseconds kSlew = std::chrono::milliseconds(1);

/// The interval that holds the offset.
struct Interval {
  Nanoseconds from, to;
  Nanoseconds width() const { return to - from; }
};

Interval interval(const ClockReading& reading) {
  return {reading.remote - reading.local_received, reading.remote + reading.resolution - reading.local_sent};
}

bool was_set_meanwhile(const ClockReading& reading) {
  const Nanoseconds wall = reading.local_received - reading.local_sent;
  return wall < Nanoseconds{} || wall > reading.asked.received - reading.asked.sent + kSlew;
}

struct Source {
  std::string member, source;
  std::optional<Interval> offset;  ///< the narrowest of this round
};

}  // namespace

struct Clocks::State {
  std::vector<Source> sources;
  std::size_t next = 0;

  Source& look_up(const ClockReading& reading);
};

Clocks::Clocks() : state_(std::make_unique<State>()) {}
Clocks::~Clocks() = default;
Clocks::Clocks(Clocks&&) noexcept = default;
Clocks& Clocks::operator=(Clocks&&) noexcept = default;

void Clocks::begin() {
  auto& sources = state_->sources;
  if (sources.size() > kMostSources)
    std::erase_if(sources, [](const Source& source) { return !source.offset; });
  for (auto& source : sources) source.offset.reset();
  state_->next = 0;
}

void Clocks::observe(const Facts& facts) {
  for (const auto& reading : facts.clocks) {
    if (was_set_meanwhile(reading)) continue;
    auto& offset = state_->look_up(reading).offset;
    const auto seen = interval(reading);
    if (!offset || seen.width() < offset->width()) offset = seen;
  }
}

void Clocks::report(SteadyTime, Samples& out) {
  for (const auto& [member, source, offset] : state_->sources) {
    if (!offset) continue;
    const auto half = offset->width() / 2 + Nanoseconds(offset->width().count() % 2);  // never too narrow
    out.add(kOffset, seconds(offset->from + half), {{"member", member}, {"source", source}});
    out.add(kBound, seconds(half), {{"member", member}, {"source", source}});
  }
}

Source& Clocks::State::look_up(const ClockReading& reading) {
  for (std::size_t tried = 0; tried < sources.size(); ++tried, ++next) {
    if (next >= sources.size()) next = 0;
    if (sources[next].member == reading.member && sources[next].source == reading.source)
      return sources[next++];
  }
  next = 0;
  return sources.emplace_back(Source{.member = reading.member, .source = reading.source, .offset = {}});
}

std::span<const MetricFamily* const> Clocks::families() {
  return kFamilies;
}

}  // namespace qw::signals
