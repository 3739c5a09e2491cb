#pragma once
#include <memory>

#include "probes/network/pinger.hpp"

namespace qw::probes {

/// The handshake of any open TCP port, timed by our kernel. The poorest method: each packet is a connection,
/// and losses show as retransmitted SYNs, without a direction.
std::unique_ptr<Pinger> make_tcp(asio::any_io_executor executor, bool reset);

}  // namespace qw::probes
