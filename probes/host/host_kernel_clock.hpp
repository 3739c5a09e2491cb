#pragma once
#include <sys/timex.h>

#include <string_view>

#include "daemon/model/facts.hpp"

/// What the kernel says of this machine's own clock; nothing here changes it.
namespace qw::probes {

/// All clocks of this machine, read as near to one instant as it goes.
LocalClocks read_local_clocks();

/// adjtimex(2) without a change. Errors: rejected where a sandbox forbids even that, naming what forbids it.
Result<ClockState> read_kernel_clock(std::string_view member, const Clock& clock);

/// What adjtimex filled in and returned. The offset is left out on purpose: it is what the kernel has still
/// to slew, and 0 under chrony and ntpd-rs whatever the clock is wrong by (facts/network-and-clock.md 0.5).
ClockState kernel_clock_state(const timex& told, int returned);

}  // namespace qw::probes
