#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

enum class ClockProof : std::uint8_t { proved_skewed, cannot_prove, proved_in_sync };

/// The clock of one member, as the samples of one round tell it.
struct ClockRow {
  std::string member;
  ClockProof proof = ClockProof::cannot_prove;
  std::optional<double> offset_seconds, bound_seconds;  ///< source "all"; the truth is within the bound
  std::optional<double> outlier, slewing;               ///< 0 or 1
  std::optional<double> synchronised;                   ///< as it says itself, of any source: 0 or 1
  std::optional<double> steps;                          ///< since the process started
};
struct ClocksRow {
  std::vector<ClockRow> members;        ///< proved skewed first, then those that nothing is proved of
  std::optional<double> limit_seconds;  ///< the critical one, or the warning where there is no other
  std::optional<double> skew_lower_seconds, skew_upper_seconds;
  std::optional<double> own_outlier, own_steps;
};

/// Nothing where no clock of the target is read.
std::optional<ClocksRow> clocks_of(std::span<const Sample> samples);
/// "ahead by 250 ms, give or take 300 us, which is proved to be beyond the limit of 100 ms". Empty: nothing
/// is wrong.
std::string describe(const ClockRow& row, const ClocksRow& all);

}  // namespace qw
