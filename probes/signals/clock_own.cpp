#include "probes/signals/clock_own.hpp"

#include <chrono>

namespace qw::signals {
namespace {

/// The clocks are read one after the other; what is less may be our own thread that stood still in between.
constexpr Nanoseconds kReadApart = std::chrono::milliseconds(5);

}  // namespace

void OwnClock::observe(const LocalClocks& clocks) {
  if (last_ && clocks.steady >= last_->steady) {
    const bool has_boottime = clocks.boottime > Nanoseconds{} && last_->boottime > Nanoseconds{};
    const Nanoseconds awake = clocks.steady - last_->steady;
    const Nanoseconds passed = has_boottime ? clocks.boottime - last_->boottime : awake;
    const Nanoseconds moved = (clocks.wall - last_->wall) - passed;
    if (moved > kReadApart) ++forward_;
    if (moved < -kReadApart) ++backward_;
    if (passed - awake > kReadApart) suspended_ += passed - awake;
  }
  last_ = clocks;
}

}  // namespace qw::signals
