#pragma once
#include <boost/asio/ip/tcp.hpp>

#include "daemon/async/task.hpp"

namespace qw::net {

/// A TCP handshake as the kernel timed it (TCP_INFO): from the SYN to the SYN/ACK, whatever this thread was
/// doing. The peer's kernel answers, so nothing of its processes is in it.
struct TcpRtt {
  Nanoseconds rtt{};              ///< in steps of 1 us
  std::uint32_t retransmits = 0;  ///< SYNs that were lost: the round trip is then of the last one
  SteadyTime sent;                ///< when connecting began
  SteadyTime received;            ///< when we heard that it had succeeded
};

/// Connects and closes again at once; with `reset` by a RST, which leaves no TIME_WAIT here but looks like an
/// error to some servers. Errors: refused, timeout, unreachable.
Task<Result<TcpRtt>> measure_tcp_rtt(asio::any_io_executor executor, asio::ip::tcp::endpoint to, bool reset,
                                     SteadyTime deadline);

}  // namespace qw::net
