#pragma once
#include <optional>
#include <string_view>

#include "daemon/base/time.hpp"

namespace qw {

/// Reads an HTTP Date header in the one form that servers may send today: "Sat, 21 Nov 2026 09:33:59 GMT"
/// (RFC 9110 5.6.7). Nothing for anything else; the day of the week is not compared.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace qw
