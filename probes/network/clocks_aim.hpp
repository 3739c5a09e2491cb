#pragma once
#include <optional>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/signals/clock_interval.hpp"

namespace qw::probes {

/// When to ask a server whose clock shows whole seconds. A question that is under way while the server's
/// second turns tells more than one at any other time, so each round aims a few at the place where that is
/// expected: two within, which divide what is not known yet by three, and one before and one after, which
/// would show at once that the clock was set. Pure: no clock, no I/O.
class DateAim {
 public:
  /// A reading from the exchange that was last asked for.
  void saw(const ClockReading& reading);
  /// When the next questions should go out, so that all are answered by `deadline`; in order. The first is
  /// now where nothing is known or nothing fits.
  std::vector<SteadyTime> plan(SteadyTime now, SteadyTime deadline) const;

 private:
  std::optional<signals::ClockInterval> ahead_;  ///< the server's clock minus our monotonic one, at `at_`
  SteadyTime at_;
  Nanoseconds resolution_{};
  std::optional<Nanoseconds> round_trip_;  ///< the shortest lately
};

}  // namespace qw::probes
