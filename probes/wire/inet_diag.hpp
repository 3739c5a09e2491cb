#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"

/// The kernel's list of its TCP sockets (sock_diag(7)): the question for it, and its answers.
namespace qw::wire {

/// One socket that has, or had, a peer. Counts are since it was made, and go round at 2^32.
struct TcpSocket {
  std::uint64_t cookie = 0;             ///< tells it from every other socket that this machine ever has
  std::array<std::uint8_t, 16> peer{};  ///< an IPv4 address as ::ffff:a.b.c.d
  std::uint16_t local_port = 0;
  std::uint16_t peer_port = 0;
  std::uint32_t segments_sent = 0;
  std::uint32_t retransmits = 0;  ///< of these; lost SYNs count
  /// The shortest round trip of the last minutes; nothing before the first one.
  std::optional<std::uint32_t> min_rtt_us;
};

enum class IpVersion : std::uint8_t { four, six };

/// Asks for all sockets that are connected or about to be. Answers carry `sequence`, which is not 0.
std::string make_tcp_dump(IpVersion version, std::uint32_t sequence);

/// What one datagram of the kernel holds.
struct TcpSockets {
  std::vector<TcpSocket> sockets;
  bool done = false;  ///< it was the last of its dump
  int refusal = 0;    ///< the errno with which the kernel refused the question
};

/// Reads answers to the question of this sequence number; 0: reports of closed sockets, which nobody asked
/// for. Messages of other numbers, sockets without a peer and sockets without counts are left out. Errors:
/// protocol.
Result<TcpSockets> parse_tcp_sockets(std::string_view datagram, std::uint32_t sequence);

/// "10.0.0.1", "2001:db8::1".
std::string print_address(const std::array<std::uint8_t, 16>& address);

}  // namespace qw::wire
