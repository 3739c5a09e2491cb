#pragma once
#include <string>

#include "daemon/base/time.hpp"
#include "daemon/store/store.hpp"

namespace qw::exporting {

/// The page at "/": links and the state of each target, as HTML without script. Everything that a target said
/// is escaped.
std::string status_page(const store::Snapshot& snapshot, WallTime now_wall, SteadyTime now);

/// "2026-11-21T09:33:34.123Z" (RFC 3339).
std::string format_time(WallTime time);

}  // namespace qw::exporting
