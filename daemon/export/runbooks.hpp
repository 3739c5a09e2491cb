#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/net/http_server.hpp"

namespace qw::exporting {

/// A page of dashboards/runbooks, as it was when the program was built: its name (that of the alert), and
/// its HTML without head and foot.
struct RunbookSource {
  std::string_view name, html;
};
/// In order of name. Made by cmake/runbooks.cmake.
std::span<const RunbookSource> runbook_sources();

/// "/runbooks/" (the index), "/runbooks/NAME" and, as the pages link to one another, "/runbooks/NAME.md".
/// Nothing for other paths.
std::optional<net::ServerReply> runbook_reply(const net::ServerRequest& request);

}  // namespace qw::exporting
