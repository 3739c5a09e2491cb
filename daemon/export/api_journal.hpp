#pragma once
#include <string_view>
#include <vector>

#include "daemon/journal/event.hpp"
#include "daemon/net/http_server.hpp"

namespace qw::exporting {

inline constexpr std::string_view kJournalPath = "/api/v1/journal";

/// The events that the daemon has in memory, as JSON. The query: since and until (a time as in Prometheus'
/// API, or for since how long ago: 1h), target ("name" or "system/name"), kind, limit (1000). Of more events
/// than that the newest come, in order of time, and `more` is true: the others are before the first.
net::ServerReply journal_reply(const std::vector<journal::Event>& events, std::string_view query,
                               WallTime now);

}  // namespace qw::exporting
