#pragma once
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/placement/placement.hpp"

namespace qw::placement {

/// Where a daemon says what it asks, and the alerts of one target that go with it.
inline constexpr std::string_view kPlacementPath = "/api/v1/placement";
inline constexpr std::string_view kAlertsPath = "/api/v1/placement/alerts";
/// Of an answer; thousands of targets are less.
inline constexpr std::size_t kMostBytes = 1U << 20U;

/// The answer of /api/v1/placement: for each placed target how it stands, and what is claimed where it is
/// asked here. `self`: the name of this daemon among the peers; empty: it is none of them.
std::string print_claims(std::string_view self, const Standings& standings, const Claims& claims);

/// The claims of such an answer. Errors: ErrorKind::protocol for what is no such answer, too_large for more
/// than kMostBytes.
Result<Claims> read_claims(std::string_view body);

/// "here", "elsewhere", "twice" (this daemon and another), "perhaps_twice" (here, while peers that come first
/// are silent), "undecided".
std::string_view status_of(const Standing& standing);

}  // namespace qw::placement
