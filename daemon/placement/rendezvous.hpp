#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/round.hpp"

namespace qw::placement {

/// The place of a peer in a list of peers.
using PeerIndex = std::uint16_t;

/// Rendezvous hashing (Thaler and Ravishankar, 1998): each peer has a weight for each target, and the peer of
/// the highest weight comes first. A peer that goes moves only what it had, a peer that comes takes only what
/// is then its own.
std::uint64_t weight(const TargetId& target, std::string_view peer);

/// The peers in the order in which they should ask the target: the same on every daemon that has the same
/// names.
std::vector<PeerIndex> order_of(const TargetId& target, std::span<const std::string> peers);

}  // namespace qw::placement
