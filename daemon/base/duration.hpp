#pragma once
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

namespace qw {

/// Reads "250ms", "5s", "1m30s", "2h", "7d": Prometheus' notation, which needs a unit (except in "0", as
/// there). Errors: ErrorKind::config with what was expected. At most 100 years.
Result<Nanoseconds> parse_duration(std::string_view text);

/// The shortest text that parse_duration reads back as the same value ("1m30s"); microseconds and nanoseconds
/// are printed for people ("12us") and are not part of the notation.
std::string format_duration(Nanoseconds duration);

/// For people, not to be read back: "120 us", "3.4 ms", "12.4 s", "3 min 12 s", "5 h 3 min", "2 d 4 h". A
/// negative time reads like its opposite; "an unknown time" where it is no number.
std::string spoken_duration(double seconds);

}  // namespace qw
