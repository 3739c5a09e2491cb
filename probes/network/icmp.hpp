#pragma once
#include "probes/network/packet_pinger.hpp"

namespace qw::probes {

/// Echo by ICMP and ICMPv6, which the peer's kernel answers itself: over unprivileged datagram sockets, or
/// over raw ones where only those are allowed.
std::unique_ptr<PacketMethod> make_icmp();

}  // namespace qw::probes
