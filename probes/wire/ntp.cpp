#include "probes/wire/ntp.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "probes/wire/big_endian.hpp"
#include "probes/wire/ntp_time.hpp"

namespace qw::wire {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kLength = 48;
// Where the fields stand (RFC 5905 7.3).
constexpr std::size_t kStratum = 1, kPrecision = 3, kRootDelay = 4, kRootDispersion = 8, kReferenceId = 12,
                      kOrigin = 24, kReceive = 32, kTransmit = 40;
constexpr std::uint8_t kServer = 4;
constexpr std::uint8_t kNoLeap = 3;  ///< "clock unsynchronized"

/// A fixed-point number of seconds, 16 bits before the point and 16 after it, rounded up.
Nanoseconds short_time(std::uint32_t value) {
  return Nanoseconds(static_cast<std::int64_t>((std::uint64_t{value} * 1'000'000'000 + 0xffff) >> 16U));
}

/// 2^exponent seconds, rounded up; clocks coarser than a second and finer than a nanosecond do not exist.
Nanoseconds power_time(std::int8_t exponent) {
  const int bits = std::clamp(-static_cast<int>(exponent), 0, 40);
  return Nanoseconds(static_cast<std::int64_t>((1'000'000'000 + (std::uint64_t{1} << bits) - 1) >> bits));
}

std::optional<int> read_leap(std::uint8_t indicator) {
  if (indicator == kNoLeap) return std::nullopt;
  return indicator == 2 ? -1 : indicator;
}

/// The code of a kiss-o'-death; empty for a server that just has no time yet.
std::string kiss_code(Bytes bytes) {
  std::string code;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = static_cast<char>(bytes[kReferenceId + i]);
    if (c >= 'A' && c <= 'Z') code += c;
  }
  return code;
}

}  // namespace

std::vector<std::byte> make_ntp_request(std::uint64_t nonce) {
  std::vector<std::byte> bytes(kLength);
  bytes[0] = std::byte{0x23};           // version 4, client
  bytes[kPrecision] = std::byte{0x20};  // as in draft-ietf-ntp-data-minimization: tells nothing
  put_big_endian(bytes, kTransmit, nonce);
  return bytes;
}

bool answers_ntp_request(Bytes bytes, std::uint64_t nonce) {
  return bytes.size() >= kLength && get_big_endian<std::uint64_t>(bytes, kOrigin) == nonce;
}

Result<NtpReply> parse_ntp_reply(Bytes bytes, WallTime near) {
  if (bytes.size() < kLength) return fail(ErrorKind::protocol, "ntp: the reply is too short");
  const auto flags = get_big_endian<std::uint8_t>(bytes, 0);
  const unsigned version = flags >> 3U & 7U;
  if ((flags & 7U) != kServer || version < 1 || version > 4) {
    return fail(ErrorKind::protocol,
                fmt::format("ntp: mode {} version {} is no reply of a server", flags & 7U, version));
  }
  NtpReply reply;
  reply.stratum = get_big_endian<std::uint8_t>(bytes, kStratum);
  if (reply.stratum > 16) return fail(ErrorKind::protocol, fmt::format("ntp: stratum {}", reply.stratum));
  if (const auto code = kiss_code(bytes); reply.stratum == 0 && !code.empty())
    return fail(ErrorKind::rejected, "ntp: kiss-o'-death " + code);
  reply.leap = read_leap(static_cast<std::uint8_t>(flags >> 6U));
  reply.precision = power_time(static_cast<std::int8_t>(get_big_endian<std::uint8_t>(bytes, kPrecision)));
  reply.root_delay = short_time(get_big_endian<std::uint32_t>(bytes, kRootDelay));
  reply.root_dispersion = short_time(get_big_endian<std::uint32_t>(bytes, kRootDispersion));
  const auto received = get_big_endian<std::uint64_t>(bytes, kReceive);
  const auto transmitted = get_big_endian<std::uint64_t>(bytes, kTransmit);
  if (received == 0 || transmitted == 0) return fail(ErrorKind::protocol, "ntp: the reply has no times");
  reply.received = from_ntp_time(received, near);
  reply.transmitted = from_ntp_time(transmitted, near);
  if (reply.transmitted < reply.received)
    return fail(ErrorKind::protocol, "ntp: it answered before it was asked");
  return reply;
}

}  // namespace qw::wire
