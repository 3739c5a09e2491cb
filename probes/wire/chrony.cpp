#include "probes/wire/chrony.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "daemon/base/text.hpp"
#include "probes/wire/big_endian.hpp"

namespace qw::wire {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint8_t kVersion = 6, kRequest = 1, kReply = 2;
constexpr std::size_t kHeader = 28;
// Where the fields of the header stand, of requests and replies.
constexpr std::size_t kCommand = 4, kRequestSequence = 8, kRequestData = 20, kReplyKind = 6, kStatus = 8,
                      kReplySequence = 16;
constexpr std::uint32_t kMostSources = 64;

struct Shape {
  ChronyCommand command;
  std::uint16_t reply;
  std::size_t length;  ///< of the whole reply
};
constexpr std::array kShapes{Shape{ChronyCommand::source_count, 2, 32},
                             Shape{ChronyCommand::source_data, 3, 76},
                             Shape{ChronyCommand::tracking, 5, 104}};

const Shape& shape_of(ChronyCommand command) {
  return *std::ranges::find(kShapes, command, &Shape::command);
}

std::string_view status_text(std::uint16_t status) {
  switch (status) {
    case 2:
      return "not authorised";
    case 4:
      return "no such source";
    case 18:
      return "the protocol's version is another";
    case 19:
      return "the question has the wrong length";
    default:
      return "refused";
  }
}

/// Of 7 bits a signed exponent, of 25 a signed coefficient.
double get_float(Bytes bytes, std::size_t at) {
  const auto value = get_big_endian<std::uint32_t>(bytes, at);
  const auto exponent = static_cast<std::int32_t>(value) >> 25;
  const auto coefficient = static_cast<std::int32_t>(value << 7U) >> 7;
  return std::ldexp(static_cast<double>(coefficient), exponent - 25);
}

/// The body of a good reply to this command.
Result<Bytes> body_of(Bytes bytes, ChronyCommand command) {
  const auto& shape = shape_of(command);
  if (bytes.size() < kHeader || get_big_endian<std::uint8_t>(bytes, 1) != kReply)
    return fail(ErrorKind::protocol, "chrony: this is no reply");
  const auto status = get_big_endian<std::uint16_t>(bytes, kStatus);
  if (status != 0)
    return fail(ErrorKind::rejected, fmt::format("chrony: status {}: {}", status, status_text(status)));
  const auto kind = get_big_endian<std::uint16_t>(bytes, kReplyKind);
  if (kind != shape.reply) {
    return fail(ErrorKind::protocol,
                fmt::format("chrony: a reply of kind {} and not {}: another version?", kind, shape.reply));
  }
  if (bytes.size() < shape.length) return fail(ErrorKind::protocol, "chrony: the reply is too short");
  return bytes.subspan(kHeader);
}

/// "10.0.0.1", "2001:db8::1"; a reference clock's id is text.
std::string get_address(Bytes bytes, std::size_t at, bool is_clock) {
  std::array<unsigned char, 16> raw{};
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = std::to_integer<unsigned char>(bytes[at + i]);
  if (is_clock) {
    const std::string id(raw.begin(), std::find(raw.begin(), raw.begin() + 4, 0));
    return sanitize(id);
  }
  const bool six = get_big_endian<std::uint16_t>(bytes, at + 16) == 2;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(six ? AF_INET6 : AF_INET, raw.data(), text.data(), text.size()) == nullptr) return "?";
  return text.data();
}

std::optional<WallTime> get_time(Bytes bytes, std::size_t at) {
  constexpr std::uint32_t kNoHigh = 0x7fffffff;
  const auto high = get_big_endian<std::uint32_t>(bytes, at);
  const std::uint64_t low = get_big_endian<std::uint32_t>(bytes, at + 4);
  const auto fraction = get_big_endian<std::uint32_t>(bytes, at + 8);
  // Beyond a second word of 1 lies the year 2242, which nanoseconds do not reach.
  const std::uint64_t whole = (high == kNoHigh ? 0 : std::uint64_t{high} << 32U) | low;
  if (whole == 0 || whole > 8'000'000'000 || fraction > 999'999'999) return std::nullopt;
  return WallTime(std::chrono::seconds(whole) + Nanoseconds(fraction));
}

std::optional<int> get_leap(Bytes bytes, std::size_t at) {
  switch (get_big_endian<std::uint16_t>(bytes, at)) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return -1;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<std::byte> make_chrony_request(ChronyCommand command, std::uint32_t sequence,
                                           std::uint32_t source) {
  std::vector<std::byte> bytes(shape_of(command).length);
  bytes[0] = std::byte{kVersion};
  bytes[1] = std::byte{kRequest};
  put_big_endian(std::span(bytes), kCommand, static_cast<std::uint16_t>(command));
  put_big_endian(std::span(bytes), kRequestSequence, sequence);
  put_big_endian(std::span(bytes), kRequestData, source);
  return bytes;
}

bool answers_chrony_request(Bytes bytes, ChronyCommand command, std::uint32_t sequence) {
  return bytes.size() >= kHeader && get_big_endian<std::uint8_t>(bytes, 1) == kReply &&
         get_big_endian<std::uint16_t>(bytes, kCommand) == static_cast<std::uint16_t>(command) &&
         get_big_endian<std::uint32_t>(bytes, kReplySequence) == sequence;
}

Result<ChronyTracking> parse_chrony_tracking(Bytes bytes) {
  const auto body = body_of(bytes, ChronyCommand::tracking);
  if (!body) return std::unexpected(body.error());
  ChronyTracking tracking;
  tracking.reference_id = get_big_endian<std::uint32_t>(*body, 0);
  tracking.stratum = get_big_endian<std::uint16_t>(*body, 24);
  tracking.leap = get_leap(*body, 26);
  tracking.reference_time = get_time(*body, 28);
  const std::array into{&tracking.correction,    &tracking.last_offset,     &tracking.rms_offset,
                        &tracking.frequency_ppm, &tracking.residual_ppm,    &tracking.skew_ppm,
                        &tracking.root_delay,    &tracking.root_dispersion, &tracking.update_interval};
  for (std::size_t i = 0; i < into.size(); ++i) *into[i] = get_float(*body, 40 + 4 * i);
  return tracking;
}

Result<std::uint32_t> parse_chrony_source_count(Bytes bytes) {
  const auto body = body_of(bytes, ChronyCommand::source_count);
  if (!body) return std::unexpected(body.error());
  return std::min(get_big_endian<std::uint32_t>(*body, 0), kMostSources);
}

Result<ChronySource> parse_chrony_source(Bytes bytes) {
  constexpr std::uint16_t kReferenceClock = 2, kLastState = 5;
  const auto body = body_of(bytes, ChronyCommand::source_data);
  if (!body) return std::unexpected(body.error());
  const auto number = [&](std::size_t at) { return get_big_endian<std::uint16_t>(*body, at); };
  const auto state = number(24);
  if (state > kLastState)
    return fail(ErrorKind::protocol, fmt::format("chrony: a source in state {}", state));
  return ChronySource{.name = get_address(*body, 0, number(26) == kReferenceClock),
                      .poll = static_cast<std::int16_t>(number(20)),
                      .stratum = number(22),
                      .state = static_cast<ChronySourceState>(state),
                      .reachability = number(30),
                      .age = get_big_endian<std::uint32_t>(*body, 32),
                      .offset = get_float(*body, 40),
                      .measured_offset = get_float(*body, 36),
                      .error = get_float(*body, 44)};
}

}  // namespace qw::wire
