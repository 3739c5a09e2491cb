#include "probes/network/clocks_aim.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace qw::probes {
namespace {

using signals::ClockInterval;

constexpr Nanoseconds kSecond = std::chrono::seconds(1);
/// How much earlier or later than told a timer of ours may wake us.
constexpr Nanoseconds kTimer = std::chrono::microseconds(200);

/// The first second of the server that turns after `time` of that clock.
Nanoseconds next_second(Nanoseconds time) {
  return std::chrono::floor<std::chrono::seconds>(time) + kSecond;
}

}  // namespace

void DateAim::saw(const ClockReading& reading) {
  const auto sent = reading.asked.sent.time_since_epoch();
  const auto received = reading.asked.received.time_since_epoch();
  const ClockInterval seen{reading.remote.time_since_epoch() - received,
                           reading.remote.time_since_epoch() + reading.resolution - sent};
  if (ahead_) *ahead_ = ahead_->wider(signals::drift(reading.asked.received - at_)) & seen;
  if (!ahead_ || ahead_->empty()) ahead_ = seen;
  at_ = reading.asked.received;
  resolution_ = reading.resolution;
  const auto took = received - sent;
  // A shorter one counts at once; longer ones only by and by, since one alone may be chance.
  round_trip_ = round_trip_ ? std::min(took, *round_trip_ + (took - *round_trip_) / 8) : took;
}

std::vector<SteadyTime> DateAim::plan(SteadyTime now, SteadyTime deadline) const {
  if (!ahead_ || !round_trip_) return {now};
  const auto ahead = ahead_->wider(signals::drift(now - at_));
  // What is written lags by the time for which the server keeps it; that shows like a clock that is behind.
  const Nanoseconds width = std::min(ahead.width(), resolution_);
  const Nanoseconds guard = *round_trip_ + kTimer;
  const Nanoseconds lead = *round_trip_ / 2;
  const Nanoseconds spacing = width / 3;
  std::vector<Nanoseconds> points;  // after the first instant at which the second may turn
  if (width >= kSecond / 2) {
    for (const int quarter : {1, 2, 3}) points.push_back(width * quarter / 4);
  } else {
    points.push_back(-guard);
    if (spacing > *round_trip_) points.insert(points.end(), {spacing, 2 * spacing});
    points.push_back(width + guard);
  }
  // By the latest that the server's clock may be, it shows this now; a second before that cannot be met.
  const Nanoseconds steady = now.time_since_epoch();
  const Nanoseconds earliest = steady + lead - points.front();
  const SteadyTime turns(next_second(earliest + ahead.to) - ahead.to);
  std::vector<SteadyTime> out;
  for (const auto point : points) {
    const auto at = turns + point - lead;
    if (at >= now && at + 2 * *round_trip_ < deadline) out.push_back(at);
  }
  if (out.empty()) out.push_back(now);
  return out;
}

}  // namespace qw::probes
