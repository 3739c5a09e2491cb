#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"

/// The three notations of PostgreSQL that its own functions leave to the reader.
namespace qw::wire {

/// A position in the write-ahead log, "16/B374D848": the upper and the lower 32 bits.
std::optional<std::uint64_t> parse_lsn(std::string_view text);

/// The timeline in the name of a segment of the log, "000000020000000000000003".
std::optional<std::uint32_t> timeline_of_segment(std::string_view name);

/// Where a history left an older timeline: up to `position` both are the same.
struct TimelineSwitch {
  std::uint32_t timeline = 0;  ///< the one that was left
  std::uint64_t position = 0;
  bool operator==(const TimelineSwitch&) const = default;
};

/// A timeline's history file, oldest switch first: "1\t0/3000688\tno recovery target specified". Errors:
/// protocol; more than 1000 switches: too_large.
Result<std::vector<TimelineSwitch>> parse_timeline_history(std::string_view text);

}  // namespace qw::wire
