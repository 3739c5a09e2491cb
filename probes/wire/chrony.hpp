#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

/// chronyd's command protocol, version 6 (chrony's candm.h; facts/network-and-clock.md 4): the questions that
/// chrony.conf calls stable ("opencommands"), which need no permission. Times are seconds, as chronyc prints
/// them. No I/O here.
namespace qw::wire {

enum class ChronyCommand : std::uint16_t { source_count = 14, source_data = 15, tracking = 33 };

/// Padded to the length of the reply, since chronyd answers nothing that is longer than the question.
/// `source` counts from 0, for source_data.
std::vector<std::byte> make_chrony_request(ChronyCommand command, std::uint32_t sequence,
                                           std::uint32_t source = 0);
/// Whether the bytes answer this question.
bool answers_chrony_request(std::span<const std::byte> bytes, ChronyCommand command, std::uint32_t sequence);

/// What chronyd thinks of its system's clock.
struct ChronyTracking {
  std::uint32_t reference_id = 0;
  std::uint16_t stratum = 0;
  /// 0 none, 1 inserted, -1 deleted; nothing: not synchronised.
  std::optional<int> leap;
  std::optional<WallTime> reference_time;  ///< the last update
  double correction = 0;                   ///< the system's clock is so much *behind* true time
  double last_offset = 0;
  double rms_offset = 0;
  double frequency_ppm = 0;  ///< of its system's clock; positive is fast
  double residual_ppm = 0;
  double skew_ppm = 0;  ///< error of the frequency
  double root_delay = 0;
  double root_dispersion = 0;
  double update_interval = 0;
};
/// Errors: `rejected` where chronyd refuses, `protocol` for what is no reply.
Result<ChronyTracking> parse_chrony_tracking(std::span<const std::byte> bytes);

/// At most 64; more are none of a normal configuration.
Result<std::uint32_t> parse_chrony_source_count(std::span<const std::byte> bytes);

enum class ChronySourceState : std::uint8_t {
  selected,
  not_selectable,
  falseticker,
  jittery,
  selectable,
  unselected,
};

/// What chronyd thinks of one of its sources.
struct ChronySource {
  std::string name;  ///< an address, or the name of a reference clock ("PPS")
  std::int16_t poll = 0;
  std::uint16_t stratum = 0;
  ChronySourceState state = ChronySourceState::not_selectable;
  std::uint16_t reachability = 0;  ///< of the last eight polls, the newest in the lowest bit
  std::uint32_t age = 0;           ///< seconds since the last sample
  double offset = 0;               ///< of the last sample, corrected for what was slewed since; positive: the
                                   ///< system's clock is ahead of the source
  double measured_offset = 0;      ///< the same as it was measured
  double error = 0;
};
Result<ChronySource> parse_chrony_source(std::span<const std::byte> bytes);

}  // namespace qw::wire
