#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

/// Echo packets of ICMP (RFC 792) and ICMPv6 (RFC 4443), which differ in the type alone.
namespace qw::wire {

inline constexpr std::size_t kEchoHeaderSize = 8;

struct Echo {
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  std::span<const std::byte> payload = {};
};

/// Writes header and payload to `into`, which has room for both. The checksum is right for ICMP; that of
/// ICMPv6 covers addresses too and is always written by the kernel.
void write_echo_request(const Echo& echo, bool v6, std::span<std::byte> into);

/// The echo reply in what a socket gave: datagram sockets and raw ICMPv6 sockets give the message alone, raw
/// ICMP sockets the IP header before it (`with_ip_header`). Nothing: it is something else, or cut.
std::optional<Echo> read_echo_reply(std::span<const std::byte> bytes, bool v6, bool with_ip_header = false);

/// The checksum of RFC 1071 over some bytes.
std::uint16_t internet_checksum(std::span<const std::byte> bytes);

}  // namespace qw::wire
