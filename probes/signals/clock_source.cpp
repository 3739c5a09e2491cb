#include "probes/signals/clock_source.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace qw::signals {
namespace {

/// From this resolution on a clock needs several minutes of readings.
constexpr Nanoseconds kCoarse = std::chrono::milliseconds(10);
constexpr Nanoseconds kMemory = std::chrono::minutes(5);
constexpr std::size_t kMostRemembered = 64;

/// By how much our wall clock may outrun the monotonic one within an exchange: kernel stamps and ours are
/// taken one after the other. Beyond that it was set in between, and the reading says nothing.
constexpr Nanoseconds kSet = std::chrono::milliseconds(1);

/// The kernel slews by 500 ppm (adjtime); with the drift of both clocks, less than this.
constexpr std::int64_t kSlewPpm = 700;
/// Nothing slews faster than chrony, by 83,333 ppm: beyond this it is a step.
constexpr std::int64_t kFastestSlewPpm = 100'000;

/// A chronyd whose reference clock is set serves a time that gets there in three jumps within two seconds, a
/// seventh too far, and is back on it after five more.
constexpr Nanoseconds kSettling = std::chrono::seconds(10);

bool was_set_meanwhile(const ClockReading& reading) {
  const Nanoseconds wall = reading.local_received - reading.local_sent;
  return wall < Nanoseconds{} || wall > reading.asked.received - reading.asked.sent + kSet;
}

WallTime first_said(const ClockReading& reading) {
  return reading.remote + reading.resolution;
}

WallTime last_said(const ClockReading& reading) {
  return reading.remote_sent.value_or(reading.remote);
}

/// Both ends of the exchange took part in the drift while it lasted.
ClockInterval against_wall(const ClockReading& reading) {
  return ClockInterval{last_said(reading) - reading.local_received, first_said(reading) - reading.local_sent}
      .wider(drift(reading.asked.received - reading.asked.sent));
}

ClockInterval against_steady(const ClockReading& reading) {
  return ClockInterval{last_said(reading).time_since_epoch() - reading.asked.received.time_since_epoch(),
                       first_said(reading).time_since_epoch() - reading.asked.sent.time_since_epoch()}
      .wider(drift(reading.asked.received - reading.asked.sent));
}

ClockInterval base_of(const ClockReading& reading) {
  const auto one = reading.local_sent.time_since_epoch() - reading.asked.sent.time_since_epoch();
  const auto other = reading.local_received.time_since_epoch() - reading.asked.received.time_since_epoch();
  return {std::min(one, other), std::max(one, other)};
}

bool faster_than(std::int64_t ppm, Nanoseconds gap, Nanoseconds elapsed) {
  return gap > elapsed / 1'000'000 * ppm;
}

}  // namespace

void ClockSource::begin() {
  fresh_.reset();
  jump_.reset();
}

void ClockSource::observe(const ClockReading& reading) {
  // A time that ran backwards at the member between its two stamps says nothing of either.
  if (was_set_meanwhile(reading) || last_said(reading) < reading.remote) return;
  Fresh next{.seen = {against_steady(reading), reading.asked.received},
             .wall = against_wall(reading),
             .base = base_of(reading),
             .coarse = reading.resolution >= kCoarse};
  // A member that claims to have held the packet for longer than the exchange took contradicts itself; what
  // is left of its word is that it answered in between.
  if (next.wall.empty() || next.seen.steady.empty()) return;
  if (fresh_ && next.seen.at < fresh_->seen.at) std::swap(next, *fresh_);
  if (fresh_) {
    const auto age = drift(next.seen.at - fresh_->seen.at);
    const auto steady = fresh_->seen.steady.wider(age) & next.seen.steady;
    const auto wall = fresh_->wall.wider(age) & next.wall;
    const bool we_stepped = !fresh_->base.wider(kSet).meets(next.base);
    if (steady.empty()) {
      jump_ = next.seen.steady.middle() - fresh_->seen.steady.middle();
      memory_.clear();
    } else {
      next.seen.steady = steady;
      if (!we_stepped && !wall.empty()) next.wall = wall;
    }
  }
  fresh_ = next;
}

void ClockSource::settle() {
  if (!fresh_) {
    ++unseen_;
    return;
  }
  unseen_ = 0;
  const auto& [seen, wall, base, coarse] = *fresh_;
  if (jump_) {
    count({.by = *jump_, .at = seen.at});
    pending_.reset();
    slewing_ = false;
  } else if (!memory_.empty()) {
    const auto before = remembered(seen.at);
    const auto after = seen.steady;
    if (before.meets(after)) {
      count_pending();
      slewing_ = false;
    } else {
      judge_gap(
          {.by = after.from > before.to ? after.from - before.to : after.to - before.from, .at = seen.at},
          seen.at - memory_.back().at);
      memory_.clear();
    }
  }
  if (!coarse) memory_.clear();
  memory_.push_back(seen);
  while (memory_.size() > kMostRemembered || seen.at - memory_.front().at > kMemory) memory_.pop_front();
}

/// What lies between is either a step or a slew. A slow one is a slew at once and a fast one a step; in
/// between the next round tells, as a slew goes on.
void ClockSource::judge_gap(const Move& move, Nanoseconds elapsed) {
  const auto size = std::chrono::abs(move.by);
  const bool goes_on = pending_ && (pending_->by > Nanoseconds{}) == (move.by > Nanoseconds{});
  if (goes_on) {
    pending_.reset();
  } else {
    count_pending();
  }
  if (faster_than(kFastestSlewPpm, size, elapsed)) {
    slewing_ = false;
    count(move);
    return;
  }
  pending_ = move;
  slewing_ = goes_on || !faster_than(kSlewPpm, size, elapsed);
}

/// It did not go on, so it was a step.
void ClockSource::count_pending() {
  if (pending_ && !slewing_) count(*pending_);
  pending_.reset();
}

void ClockSource::count(const Move& move) {
  const bool forward = move.by > Nanoseconds{};
  if (step_ && move.at - step_->at < kSettling) {
    const bool same = (step_->by > Nanoseconds{}) == forward;
    if (same) step_->by += move.by;
    if (same || 2 * std::chrono::abs(move.by) < std::chrono::abs(step_->by)) return;
  }
  step_ = move;
  ++(forward ? forward_ : backward_);
}

ClockInterval ClockSource::remembered(SteadyTime at) const {
  ClockInterval all = memory_.back().steady.wider(drift(at - memory_.back().at));
  for (const auto& seen : memory_) all = all & seen.steady.wider(drift(at - seen.at));
  return all;
}

std::optional<ClockInterval> ClockSource::offset(SteadyTime now) const {
  if (!fresh_) return std::nullopt;
  auto offset = fresh_->wall;
  if (fresh_->coarse) {
    const ClockInterval to_wall{-fresh_->base.to, -fresh_->base.from};
    const auto narrowed = offset & remembered(fresh_->seen.at).shifted(to_wall);
    if (!narrowed.empty()) offset = narrowed;
  }
  return offset.wider(drift(now - fresh_->seen.at));
}

}  // namespace qw::signals
