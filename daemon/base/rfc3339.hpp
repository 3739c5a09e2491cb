#pragma once
#include <string>

#include "daemon/base/time.hpp"

namespace qw {

/// "2026-11-21T09:33:34.123Z" (RFC 3339).
std::string format_time(WallTime time);
/// The time of day of the same: "09:33:34".
std::string format_time_of_day(WallTime time);

}  // namespace qw
