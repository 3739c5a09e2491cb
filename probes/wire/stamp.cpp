#include "probes/wire/stamp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>

namespace qw::wire {
namespace {

constexpr std::uint16_t kSynchronised = 0x8000;
constexpr std::uint16_t kPtp = 0x4000;
constexpr unsigned kLargestScale = 63;
constexpr std::uint16_t kLargestEstimate = kLargestScale << 8U | 0xffU;
/// Nobody bounds a clock by more than this; the estimate then means "unknown".
constexpr Nanoseconds kLargestBound = std::chrono::hours(25);
constexpr unsigned __int128 kBillion = 1'000'000'000;

/// Extensions: flags, type, length of the value.
constexpr std::size_t kExtensionHeader = 4;
constexpr std::byte kUnrecognised{0x80};
constexpr std::byte kMalformed{0x40};
constexpr std::byte kExtraPadding{1};
constexpr std::byte kFollowUpTelemetry{7};
constexpr std::size_t kFollowUpValue = kFollowUpSize - kExtensionHeader;

// Big-endian fields at fixed places. The caller has checked the size.
template <class T>
T get(ConstBytes bytes, std::size_t at) {
  assert(at + sizeof(T) <= bytes.size());
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8U | std::to_integer<T>(bytes[at + i]));
  return value;
}

template <class T>
void put(MutableBytes bytes, std::size_t at, T value) {
  assert(at + sizeof(T) <= bytes.size());
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes[at + i] = static_cast<std::byte>(value >> (8U * (sizeof(T) - 1 - i)));
  }
}

StampRequest read_sender(ConstBytes bytes) {
  return {.sequence = get<std::uint32_t>(bytes, 0),
          .timestamp = get<std::uint64_t>(bytes, 4),
          .error_estimate = get<std::uint16_t>(bytes, 12),
          .session = 0};
}

void write_follow_up(MutableBytes into, const FollowUp& follow_up) {
  std::ranges::fill(into, std::byte{0});
  into[1] = kFollowUpTelemetry;
  put(into, 2, static_cast<std::uint16_t>(kFollowUpValue));
  put(into, 4, follow_up.sequence);
  put(into, 8, follow_up.timestamp);
  into[16] = static_cast<std::byte>(follow_up.method);
}

}  // namespace

std::uint16_t encode_error_estimate(const ErrorEstimate& estimate) {
  std::uint16_t bits = kLargestEstimate;
  if (estimate.bound && *estimate.bound <= kLargestBound) {
    // In units of 2^-32 s, rounded up; shifted until it fits the multiplier, rounded up again.
    const auto bound = static_cast<unsigned __int128>(std::max<std::int64_t>(estimate.bound->count(), 0));
    auto units = static_cast<std::uint64_t>(((bound << 32U) + kBillion - 1) / kBillion);
    unsigned scale = 0;
    for (; units > 0xff; ++scale) units = (units + 1) / 2;
    bits = static_cast<std::uint16_t>(scale << 8U | std::max<std::uint64_t>(units, 1));
  }
  if (estimate.synchronised) bits |= kSynchronised;
  if (estimate.ptp) bits |= kPtp;
  return bits;
}

ErrorEstimate decode_error_estimate(std::uint16_t bits) {
  ErrorEstimate out{.synchronised = (bits & kSynchronised) != 0, .ptp = (bits & kPtp) != 0};
  const unsigned scale = (bits >> 8U) & kLargestScale;
  const unsigned __int128 units = static_cast<unsigned __int128>(bits & 0xffU) << scale;
  const unsigned __int128 nanoseconds = (units * kBillion + (1ULL << 32U) - 1) >> 32U;
  if (units == 0 || nanoseconds > static_cast<unsigned __int128>(kLargestBound.count())) return out;
  out.bound = Nanoseconds(static_cast<std::int64_t>(nanoseconds));
  return out;
}

std::array<std::byte, kStampSize> write_stamp_request(const StampRequest& request) {
  std::array<std::byte, kStampSize> out{};
  put(out, 0, request.sequence);
  put(out, 4, request.timestamp);
  put(out, 12, request.error_estimate);
  put(out, 14, request.session);
  return out;
}

Result<StampRequest> read_stamp_request(ConstBytes bytes) {
  if (bytes.size() < kShortestStampRequest) {
    return fail(ErrorKind::protocol, fmt::format("a STAMP request of {} bytes", bytes.size()));
  }
  auto request = read_sender(bytes);
  // TWAMP has padding where STAMP has the session, and so has a sender of few bytes.
  if (bytes.size() >= kStampSize) request.session = get<std::uint16_t>(bytes, 14);
  return request;
}

void write_stamp_reply(const StampReply& reply, MutableBytes into) {
  assert(into.size() >= kShortestStampReply);
  std::ranges::fill(into.first(std::min(into.size(), kStampSize)), std::byte{0});
  put(into, 0, reply.sequence);
  put(into, 4, reply.timestamp);
  put(into, 12, reply.error_estimate);
  put(into, 14, reply.session);
  put(into, 16, reply.received);
  put(into, 24, reply.sender.sequence);
  put(into, 28, reply.sender.timestamp);
  put(into, 36, reply.sender.error_estimate);
  if (into.size() > 40) into[40] = static_cast<std::byte>(reply.sender_ttl.value_or(0));
}

Result<StampReply> read_stamp_reply(ConstBytes bytes) {
  if (bytes.size() < kShortestStampReply) {
    return fail(ErrorKind::protocol, fmt::format("a STAMP reply of {} bytes", bytes.size()));
  }
  StampReply reply{.sequence = get<std::uint32_t>(bytes, 0),
                   .timestamp = get<std::uint64_t>(bytes, 4),
                   .error_estimate = get<std::uint16_t>(bytes, 12),
                   .session = get<std::uint16_t>(bytes, 14),
                   .received = get<std::uint64_t>(bytes, 16),
                   .sender = read_sender(bytes.subspan(24))};
  if (bytes.size() > 40) reply.sender_ttl = std::to_integer<std::uint8_t>(bytes[40]);
  return reply;
}

void write_follow_up_question(std::span<std::byte, kFollowUpSize> into) {
  std::ranges::fill(into, std::byte{0});
  // A sender marks every extension as unknown; the reflector that knows it takes the mark away.
  into[0] = kUnrecognised;
  into[1] = kFollowUpTelemetry;
  put(into, 2, static_cast<std::uint16_t>(kFollowUpValue));
}

std::optional<FollowUp> read_follow_up(ConstBytes extensions) {
  while (extensions.size() >= kExtensionHeader) {
    const std::size_t length = get<std::uint16_t>(extensions, 2);
    if (length > extensions.size() - kExtensionHeader) return std::nullopt;
    if (extensions[1] == kFollowUpTelemetry) {
      if (length != kFollowUpValue || (extensions[0] & (kUnrecognised | kMalformed)) != std::byte{0})
        return std::nullopt;
      return FollowUp{.sequence = get<std::uint32_t>(extensions, 4),
                      .timestamp = get<std::uint64_t>(extensions, 8),
                      .method = static_cast<StampMethod>(extensions[16])};
    }
    extensions = extensions.subspan(kExtensionHeader + length);
  }
  return std::nullopt;
}

bool mark_stamp_extensions(MutableBytes extensions, const FollowUp& follow_up) {
  bool asked = false;
  while (extensions.size() >= kExtensionHeader) {
    const std::size_t length = get<std::uint16_t>(extensions, 2);
    if (length > extensions.size() - kExtensionHeader) {
      extensions[0] |= kMalformed;
      return asked;
    }
    if (extensions[1] == kFollowUpTelemetry && length == kFollowUpValue) {
      asked = true;
      write_follow_up(extensions.first(kFollowUpSize), follow_up);
    } else if (extensions[1] == kFollowUpTelemetry) {
      extensions[0] = kMalformed;
    } else {
      const bool known = extensions[1] == kExtraPadding;
      extensions[0] = known ? std::byte{0} : extensions[0] | kUnrecognised;
    }
    extensions = extensions.subspan(kExtensionHeader + length);
  }
  return asked;
}

}  // namespace qw::wire
