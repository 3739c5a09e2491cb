#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

/// NTP version 4 as a client speaks it (RFC 5905 7.3, mode 3 and 4), read without trust. No I/O here.
namespace qw::wire {

/// What goes out: nothing about us but the nonce that stands where our time would (so nobody who does not see
/// the question can answer it, and nobody learns our clock). It comes back as the reply's origin.
std::vector<std::byte> make_ntp_request(std::uint64_t nonce);

struct NtpReply {
  /// 0 none, 1 a second is inserted, -1 deleted at the end of the month's last day; nothing: the server says
  /// that it is not synchronised.
  std::optional<int> leap;
  std::uint8_t stratum = 0;  ///< 1 to 15; 0 and 16: not synchronised
  Nanoseconds precision{};   ///< of the server's clock readings, rounded up
  Nanoseconds root_delay{};
  Nanoseconds root_dispersion{};
  WallTime received;     ///< T2
  WallTime transmitted;  ///< T3

  bool synchronised() const { return leap && stratum >= 1 && stratum <= 15; }
  /// How far the server's clock can be from true time, as it claims: root delay / 2 + root dispersion.
  Nanoseconds root_distance() const { return root_delay / 2 + root_dispersion; }
};

/// Whether the bytes answer this question; another's answer is none, nor is a forged one.
bool answers_ntp_request(std::span<const std::byte> bytes, std::uint64_t nonce);

/// `near`: our own time, as NTP's counts only 136 years. Errors: `rejected` for a kiss-o'-death
/// ("kiss-o'-death RATE"), which asks to be asked less; `protocol` for all that is not a mode 4 reply with
/// sensible times.
Result<NtpReply> parse_ntp_reply(std::span<const std::byte> bytes, WallTime near);

}  // namespace qw::wire
