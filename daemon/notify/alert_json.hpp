#pragma once
#include <optional>
#include <span>
#include <string>

#include "daemon/model/alert.hpp"

namespace qw::notify {

/// The body of POST /api/v2/alerts (Alertmanager's API v2), as Prometheus writes it except for one thing: a
/// firing alert has no endsAt, since one of ours lies in the past where our clock is slow, and the alert
/// would be taken for resolved (facts/reliability-and-security.md 0.2). `their_now`: what Alertmanager's
/// clock says, where it is known; a time of ours that lies beyond it would be refused (400) or would keep a
/// resolved alert firing, so it is cut there.
std::string alerts_body(std::span<const Alert* const> alerts, std::optional<WallTime> their_now);

/// "2026-11-21T16:28:05.730Z"
std::string rfc3339(WallTime time);

}  // namespace qw::notify
