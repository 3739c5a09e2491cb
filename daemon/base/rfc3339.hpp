#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"

namespace qw {

/// "2026-11-21T09:33:34.123456789Z" (RFC 3339), always with nine digits, so that lines sort as text.
std::string print_timestamp(WallTime time);
/// Exactly that; nothing for any other form, and for years before 1970 or after 2200.
std::optional<WallTime> parse_timestamp(std::string_view text);

/// The same for people: "2026-11-21T09:33:34.123Z".
std::string format_time(WallTime time);
/// The time of day of the same: "09:33:34".
std::string format_time_of_day(WallTime time);

}  // namespace qw
