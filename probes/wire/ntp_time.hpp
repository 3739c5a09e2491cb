#pragma once
#include <cstdint>

#include "daemon/base/time.hpp"

namespace qw::wire {

/// The 64-bit time stamp of NTP, STAMP and TWAMP (RFC 5905 6): seconds since 1900 and a fraction of 2^-32 s.
/// Rounded to the nearest, so that a time which is read back is off by at most 0.2 ns.
std::uint64_t to_ntp_time(WallTime time);

/// The seconds wrap every 136 years, in 2036 next: of all eras the time nearest to `near` is meant.
WallTime from_ntp_time(std::uint64_t stamp, WallTime near);

/// The truncated time stamp of PTPv2 (RFC 8186 2): 32 bits of seconds and 32 of nanoseconds. Its seconds are
/// those of whoever wrote it, often International Atomic Time, so it serves for differences of one clock and
/// not as a reading of it. More than 999,999,999 nanoseconds are carried over.
WallTime from_ptp_time(std::uint64_t stamp, WallTime near);

}  // namespace qw::wire
