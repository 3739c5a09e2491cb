#pragma once
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

namespace qw::wire {

/// What an etcd member answers to GET /raft/probing at its peer address, to the nanosecond:
/// {"OK":true,"Now":"2026-11-21T17:30:00.123456789Z"}. At most 4 KiB; anything else is ErrorKind::protocol.
Result<WallTime> parse_etcd_probing(std::string_view body);

}  // namespace qw::wire
