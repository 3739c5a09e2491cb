#pragma once
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "daemon/base/time.hpp"

/// How far two clocks are apart is never a number but an interval that holds it (design.md, truth rule 7).
namespace qw::signals {

/// How fast two clocks may drift apart: 50 ppm for either of them. The 15 ppm of RFC 5905 are what a quartz
/// normally does; a bound that is exported has to hold for the warm and the old one too (AWS ClockBound
/// reckons with 50 ppm for the same reason: chrony's own figure of 1 ppm is optimistic). A clock that is
/// slewed runs faster than that; it is seen to leave its interval, and begins again. (1.00005 / 0.99995 is a
/// little more than 1.0001.)
constexpr std::int64_t kDriftPpm = 2 * 50 + 1;

/// What an interval grows by at either end in that time, rounded up.
constexpr Nanoseconds drift(Nanoseconds elapsed) {
  // Hours of it stay below 2^63: the elapsed time is divided first where it is long.
  if (elapsed <= Nanoseconds{}) return Nanoseconds{};
  if (elapsed > std::chrono::hours(1)) return elapsed / 1'000'000 * kDriftPpm + Nanoseconds(kDriftPpm);
  return Nanoseconds(elapsed.count() * kDriftPpm / 1'000'000 + 1);
}

/// From - to, both of them possible.
struct ClockInterval {
  Nanoseconds from{}, to{};

  bool empty() const { return from > to; }
  Nanoseconds width() const { return to - from; }
  /// Half of the width, never too small.
  Nanoseconds half() const { return width() / 2 + Nanoseconds(width().count() % 2); }
  Nanoseconds middle() const { return from + half(); }
  /// The least and the most that lies between 0 and the truth.
  Nanoseconds at_least() const { return std::max({Nanoseconds{}, from, -to}); }
  Nanoseconds at_most() const { return std::max(std::chrono::abs(from), std::chrono::abs(to)); }

  ClockInterval wider(Nanoseconds by) const { return {from - by, to + by}; }
  ClockInterval shifted(ClockInterval by) const { return {from + by.from, to + by.to}; }
  bool meets(const ClockInterval& other) const { return from <= other.to && other.from <= to; }
};

/// What both allow; empty where they contradict each other.
inline ClockInterval operator&(const ClockInterval& a, const ClockInterval& b) {
  return {std::max(a.from, b.from), std::min(a.to, b.to)};
}

}  // namespace qw::signals
