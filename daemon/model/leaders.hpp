#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

/// Who leads one target, as the samples of one round tell it. What is not known is absent.
struct LeadershipRow {
  struct Claim {
    std::string member;
    bool leads = false;
  };
  std::vector<Claim> claims;             ///< of members that said whether they lead, by name
  std::optional<double> leaders, views;  ///< proven at one instant; different leaders that are named
  std::optional<double> epoch, absent_seconds;
  std::optional<double> voters, failures_tolerated;
  /// Elections since the process started, by cause.
  std::optional<double> planned, unplanned, unknown_cause, failed;
  std::optional<double> epoch_regressions;
  std::optional<double> fenced, unfenced, identity;  ///< split brain: 0 or 1
  std::optional<double> overlap_lower_seconds, overlap_upper_seconds, diverged_bytes;
};

/// Nothing where the target has no leadership at all.
std::optional<LeadershipRow> leadership_of(std::span<const Sample> samples);
/// What is wrong, in words for a person on call: "two leaders at once, both take writes: 48213 bytes differ".
/// Empty: nothing.
std::string describe(const LeadershipRow& row);

}  // namespace qw
