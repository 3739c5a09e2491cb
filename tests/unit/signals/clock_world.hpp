#pragma once
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "probes/signals/clock.hpp"

/// Clocks whose true times are known, and the exchanges that look at them. Times are seconds of true time.
namespace qw::signals {

/// A clock that runs a little too fast or too slow and may be set.
class WorldClock {
 public:
  WorldClock(double start, double drift) : start_(start), rate_(1 + drift) {}
  void step(double by) { start_ += by; }
  /// From now on it runs at another rate, as when it is slewed.
  void slew(double now, double drift) {
    start_ += now * (rate_ - (1 + drift));
    rate_ = 1 + drift;
  }
  /// Whole nanoseconds, as real clocks show them.
  Nanoseconds at(double true_time) const {
    const auto base = static_cast<std::int64_t>(std::floor(start_));
    const double rest = (start_ - static_cast<double>(base)) + true_time * rate_;
    return std::chrono::seconds(base) + Nanoseconds(static_cast<std::int64_t>(std::floor(rest * 1e9)));
  }

 private:
  double start_, rate_;
};

/// This machine: a monotonic clock, and a wall clock that is ahead of it until somebody sets it.
struct WorldSelf {
  WorldClock steady{5000, 0};
  Nanoseconds base = std::chrono::hours(480'000);

  SteadyTime steady_at(double time) const { return SteadyTime(steady.at(time)); }
  WallTime wall_at(double time) const { return WallTime(steady.at(time) + base); }
};

struct Exchange {
  double sent = 0, there = 0, left = 0, back = 0;  ///< true times
};

/// What an exchange tells. `resolution` 0: four time stamps.
inline ClockReading look_at(const WorldSelf& self, const WorldClock& clock, const Exchange& exchange,
                            std::string member, std::string source, Nanoseconds resolution) {
  ClockReading reading{.member = std::move(member),
                       .source = std::move(source),
                       .asked = {self.steady_at(exchange.sent), self.steady_at(exchange.back)},
                       .local_sent = self.wall_at(exchange.sent),
                       .local_received = self.wall_at(exchange.back),
                       .remote = WallTime(clock.at(exchange.there)),
                       .resolution = resolution};
  if (resolution == Nanoseconds{}) {
    reading.remote_sent = WallTime(clock.at(exchange.left));
    reading.resolution = Nanoseconds(1);
  } else {
    reading.remote = WallTime(reading.remote.time_since_epoch() / resolution * resolution);
  }
  return reading;
}

/// The signal, and what it exports: "clock_offset_seconds{member=a,source=ntp}".
class ClockSamples {
 public:
  void round(const Facts& facts, SteadyTime now) {
    clocks_.begin();
    clocks_.observe(facts);
    clocks_.report(now, samples_);
    values_.clear();
    for (const auto& sample : samples_.take()) {
      std::string key(sample.series->family->name.substr(std::string_view("quorumwatch_").size()));
      char separator = '{';
      for (const auto& [label, text] : sample.series->labels) {
        if (label == "system" || label == "target") continue;
        key.append(1, separator).append(label).append(1, '=').append(text);
        separator = ',';
      }
      if (separator == ',') key += '}';
      values_[std::move(key)] = sample.value;
    }
  }
  std::optional<double> value(const std::string& series) const {
    const auto found = values_.find(series);
    return found != values_.end() ? std::optional(found->second) : std::nullopt;
  }
  /// The member's state against our clock.
  std::string state(const std::string& member) const {
    for (const std::string state : {"proved_skewed", "proved_in_sync", "cannot_prove"}) {
      if (value("clock_state{member=" + member + ",state=" + state + "}") == 1) return state;
    }
    return "";
  }
  const std::map<std::string, double>& values() const { return values_; }

 private:
  Clocks clocks_;
  Samples samples_{"system", "target"};
  std::map<std::string, double> values_;
};

}  // namespace qw::signals
