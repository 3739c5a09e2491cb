#pragma once
#include "probes/network/packet_pinger.hpp"

namespace qw::probes {

/// STAMP and TWAMP-light (RFC 8762, RFC 8972): the peer's reflector says when a packet came and when its
/// answer left, so that what the peer's processor did in between is not taken for network, and how many
/// packets came, which tells the direction of losses.
std::unique_ptr<PacketMethod> make_stamp();

}  // namespace qw::probes
