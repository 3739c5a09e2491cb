#pragma once
#include <string_view>

#include "daemon/journal/journal.hpp"
#include "daemon/net/http_server.hpp"

namespace qw::exporting {

inline constexpr std::string_view kJournalPath = "/api/v1/journal";

/// The events of the journal, of memory and of its files, as JSON. The query: since and until (a time as in
/// Prometheus' API, or how long ago: 1h), target ("name" or "system/name"), kind, limit (1000). Of more
/// events than that the newest come, in order of time. `more`: there may be older ones, which come when the
/// same is asked with until=`older_than`. A journal that can not be read is a warning, and memory is all.
Task<net::ServerReply> journal_reply(const journal::Journal& journal, net::ServerRequest request,
                                     WallTime now);

}  // namespace qw::exporting
