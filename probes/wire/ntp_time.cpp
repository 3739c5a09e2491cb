#include "probes/wire/ntp_time.hpp"

namespace qw::wire {
namespace {

/// From 1900 to 1970.
constexpr std::uint64_t kEpochSeconds = 2'208'988'800;
constexpr std::uint64_t kBillion = 1'000'000'000;

/// The time of all eras that is nearest: `seconds` counts from `epoch` before 1970, modulo 2^32.
WallTime nearest_era(std::uint32_t seconds, std::uint64_t epoch, std::uint64_t nanoseconds, WallTime near) {
  const auto near_seconds = std::chrono::floor<std::chrono::seconds>(near.time_since_epoch()).count();
  const auto near_low = static_cast<std::uint32_t>(static_cast<std::uint64_t>(near_seconds) + epoch);
  const auto ahead = static_cast<std::int32_t>(seconds - near_low);
  return WallTime(std::chrono::seconds(near_seconds + ahead) +
                  std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds)));
}

}  // namespace

std::uint64_t to_ntp_time(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto rest = static_cast<std::uint64_t>((time.time_since_epoch() - whole).count());
  const std::uint64_t seconds = static_cast<std::uint64_t>(whole.count()) + kEpochSeconds;
  // At most 2^32 after rounding, which then carries into the seconds as it should.
  return (seconds << 32U) + ((rest << 32U) + kBillion / 2) / kBillion;
}

WallTime from_ntp_time(std::uint64_t stamp, WallTime near) {
  const std::uint64_t fraction = stamp & 0xffff'ffffU;
  const std::uint64_t nanoseconds = (fraction * kBillion + (1ULL << 31U)) >> 32U;
  return nearest_era(static_cast<std::uint32_t>(stamp >> 32U), kEpochSeconds, nanoseconds, near);
}

WallTime from_ptp_time(std::uint64_t stamp, WallTime near) {
  return nearest_era(static_cast<std::uint32_t>(stamp >> 32U), 0, stamp & 0xffff'ffffU, near);
}

}  // namespace qw::wire
