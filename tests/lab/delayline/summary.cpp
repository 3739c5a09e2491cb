#include "tests/lab/delayline/summary.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace qw::lab {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kIp6 = 40;
constexpr std::size_t kPayloadShown = 16;

unsigned number16(Bytes bytes, std::size_t at) {
  return static_cast<unsigned>(bytes[at]) << 8 | bytes[at + 1];
}

std::string address(int family, Bytes bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string transport(unsigned protocol, Bytes bytes) {
  if (protocol == IPPROTO_TCP && bytes.size() >= 14)
    return fmt::format("tcp {} {} {}", number16(bytes, 0), number16(bytes, 2), bytes[13] & 0x3f);
  if (bytes.size() >= 8 && protocol == IPPROTO_UDP) {
    std::string hex;
    for (const auto byte : bytes.subspan(8, std::min(kPayloadShown, bytes.size() - 8)))
      hex += fmt::format("{:02x}", byte);
    return fmt::format("udp {} {} {}", number16(bytes, 0), number16(bytes, 2), hex.empty() ? "-" : hex);
  }
  if (bytes.size() >= 8 && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)) {
    return fmt::format("{} {} {} {}", protocol == IPPROTO_ICMP ? "icmp" : "icmp6", bytes[0],
                       number16(bytes, 4), number16(bytes, 6));
  }
  return fmt::format("{}", protocol);
}

}  // namespace

std::string summary(std::span<const std::uint8_t> frame) {
  if (frame.size() < kEthernet + 1) return "- - short";
  const unsigned type = number16(frame, 12);
  const auto packet = frame.subspan(kEthernet);
  if (type == 0x0800 && packet.size() >= 20) {
    const std::size_t header = std::clamp<std::size_t>((packet[0] & 0xfu) * 4u, 20, packet.size());
    return fmt::format("{} {} {}", address(AF_INET, packet.subspan(12)), address(AF_INET, packet.subspan(16)),
                       transport(packet[9], packet.subspan(header)));
  }
  if (type == 0x86dd && packet.size() >= kIp6) {
    return fmt::format("{} {} {}", address(AF_INET6, packet.subspan(8)),
                       address(AF_INET6, packet.subspan(24)), transport(packet[6], packet.subspan(kIp6)));
  }
  return fmt::format("- - {}", type == 0x0806 ? "arp" : fmt::format("{:04x}", type));
}

}  // namespace qw::lab
