#include "probes/wire/icmp.hpp"

#include <algorithm>
#include <cassert>

namespace qw::wire {
namespace {

constexpr std::uint8_t kRequest = 8;
constexpr std::uint8_t kReply = 0;
constexpr std::uint8_t kRequest6 = 128;
constexpr std::uint8_t kReply6 = 129;
constexpr std::size_t kShortestIpHeader = 20;

std::uint16_t get(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8U |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

void put(std::span<std::byte> bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::byte>(value >> 8U);
  bytes[at + 1] = static_cast<std::byte>(value & 0xffU);
}

}  // namespace

std::uint16_t internet_checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += get(bytes, i);
  if (bytes.size() % 2 != 0) sum += std::to_integer<unsigned>(bytes.back()) << 8U;
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum & 0xffffU);
}

void write_echo_request(const Echo& echo, bool v6, std::span<std::byte> into) {
  assert(into.size() >= kEchoHeaderSize + echo.payload.size());
  into = into.first(kEchoHeaderSize + echo.payload.size());
  into[0] = static_cast<std::byte>(v6 ? kRequest6 : kRequest);
  into[1] = std::byte{0};
  put(into, 2, 0);
  put(into, 4, echo.id);
  put(into, 6, echo.sequence);
  std::ranges::copy(echo.payload, into.begin() + kEchoHeaderSize);
  if (!v6) put(into, 2, internet_checksum(into));
}

std::optional<Echo> read_echo_reply(std::span<const std::byte> bytes, bool v6, bool with_ip_header) {
  if (with_ip_header) {
    if (bytes.size() < kShortestIpHeader) return std::nullopt;
    const std::size_t header = (std::to_integer<std::size_t>(bytes[0]) & 0x0fU) * 4;
    if (header < kShortestIpHeader || header > bytes.size()) return std::nullopt;
    bytes = bytes.subspan(header);
  }
  if (bytes.size() < kEchoHeaderSize) return std::nullopt;
  const auto type = std::to_integer<std::uint8_t>(bytes[0]);
  if (type != (v6 ? kReply6 : kReply) || bytes[1] != std::byte{0}) return std::nullopt;
  return Echo{.id = get(bytes, 4), .sequence = get(bytes, 6), .payload = bytes.subspan(kEchoHeaderSize)};
}

}  // namespace qw::wire
