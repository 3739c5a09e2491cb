#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

/// The packets of the Simple Two-way Active Measurement Protocol, unauthenticated (RFC 8762 4.2, 4.3; RFC
/// 8972 3), which are also those of TWAMP-Test in its light form (RFC 5357 appendix I).
namespace qw::wire {

using ConstBytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline constexpr std::uint16_t kStampPort = 862;
inline constexpr std::size_t kStampSize = 44;
/// What a TWAMP-light peer may leave away: the last three zeros, or the sender's TTL with all zeros around
/// it.
inline constexpr std::size_t kShortestStampReply = 38;
/// A request of fewer bytes can not even hold its own fields.
inline constexpr std::size_t kShortestStampRequest = 14;

/// How far a node believes its own clock to be off (RFC 4656 4.1.2, RFC 8186 2.3).
struct ErrorEstimate {
  bool synchronised = false;  ///< to UTC, by an outer source
  bool ptp = false;           ///< its time stamps are in the format of PTPv2
  /// The bound; nothing: it says nothing (its multiplier is 0, or it claims more than a day).
  std::optional<Nanoseconds> bound = std::nullopt;
  bool operator==(const ErrorEstimate&) const = default;
};

/// Never less than the bound; without one the largest that can be said.
std::uint16_t encode_error_estimate(const ErrorEstimate& estimate);
ErrorEstimate decode_error_estimate(std::uint16_t bits);

/// What a sender sends. Time stamps are left in the sender's format, so that they come back bit by bit.
struct StampRequest {
  std::uint32_t sequence = 0;
  std::uint64_t timestamp = 0;
  std::uint16_t error_estimate = 0;
  std::uint16_t session = 0;  ///< SSID; 0: a sender of the base protocol or of TWAMP
  bool operator==(const StampRequest&) const = default;
};

/// What a reflector answers.
struct StampReply {
  std::uint32_t sequence = 0;   ///< its own, or the sender's where it keeps no state
  std::uint64_t timestamp = 0;  ///< T3, in the format that `error_estimate` says
  std::uint16_t error_estimate = 0;
  std::uint16_t session = 0;
  std::uint64_t received = 0;  ///< T2
  StampRequest sender;         ///< as it came, but for its session
  /// Of the request as it arrived; nothing in the shortest replies.
  std::optional<std::uint8_t> sender_ttl = std::nullopt;
  bool operator==(const StampReply&) const = default;
};

std::array<std::byte, kStampSize> write_stamp_request(const StampRequest& request);
/// Errors: protocol. Bytes after the fields are the sender's own affair.
Result<StampRequest> read_stamp_request(ConstBytes bytes);

/// Writes as much of the reply as `into` holds, at least kShortestStampReply bytes; what lies beyond
/// kStampSize stays as it is.
void write_stamp_reply(const StampReply& reply, MutableBytes into);
/// Errors: protocol, for fewer than kShortestStampReply bytes.
Result<StampReply> read_stamp_reply(ConstBytes bytes);

/// How a time stamp was taken (RFC 8972 4.3).
enum class StampMethod : std::uint8_t { unknown = 0, hardware = 1, software = 2, control_plane = 3 };

/// When an earlier answer truly left (Follow-Up Telemetry, RFC 8972 4.7): a reflector knows that only after
/// it has said T3, so it says it with the next answer.
struct FollowUp {
  std::uint32_t sequence = 0;   ///< the reflector's own number of that answer
  std::uint64_t timestamp = 0;  ///< in the format of the packet's other stamps; 0: nothing is known yet
  StampMethod method = StampMethod::unknown;
  bool operator==(const FollowUp&) const = default;
};
inline constexpr std::size_t kFollowUpSize = 20;
/// Asks for it, behind the kStampSize bytes of a request.
void write_follow_up_question(std::span<std::byte, kFollowUpSize> into);
/// What lies beyond kStampSize in a reply; nothing: the peer was not asked, or does not know the extension.
std::optional<FollowUp> read_follow_up(ConstBytes extensions);

/// Marks the extensions of a reflected packet (RFC 8972 4) as a reflector does that knows padding and
/// Follow-Up Telemetry and nothing else; `extensions` is what lies beyond kStampSize. Where it is asked for,
/// `follow_up` is written. Never writes outside. Whether it was asked for.
bool mark_stamp_extensions(MutableBytes extensions, const FollowUp& follow_up);

}  // namespace qw::wire
