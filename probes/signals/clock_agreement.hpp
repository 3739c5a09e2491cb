#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "probes/signals/clock_interval.hpp"

/// Which of several intervals can be true at once (Marzullo). Clocks are said to agree when they may lie
/// within `tolerance` of each other.
namespace qw::signals {

/// The most that agree at one point.
struct ClockAgreement {
  std::size_t count = 0;
  /// What all of these allow, hull of all such places if there are several; widened by half of the tolerance
  /// at either end.
  ClockInterval common;
};
ClockAgreement most_agree(std::span<const ClockInterval> intervals, Nanoseconds tolerance = {});

/// Who is out of step with every majority of some clocks.
class ClockCourt {
 public:
  /// The clocks that vote.
  ClockCourt(std::span<const ClockInterval> voters, Nanoseconds tolerance);

  /// More than half of the voters may agree at some point; otherwise nobody can be blamed.
  bool agreed() const { return !places_.empty(); }
  /// Whether this clock (a voter's or not) agrees with no majority. This is proof: were some majority truly
  /// within `tolerance` of each other and this clock within it too, then the point in their middle would lie
  /// in all of their widened intervals.
  bool guilty(const ClockInterval& clock) const;

 private:
  Nanoseconds widening_;
  std::vector<ClockInterval> places_;  ///< where more than half of the voters may be
};

/// One clock as seen from several sides: what more than half of the sources allow, and how many do not. Where
/// no majority agrees, the interval holds all of them: nothing better is known.
struct ClockVerdict {
  ClockInterval offset;
  std::size_t falsetickers = 0;
};
ClockVerdict combine(std::span<const ClockInterval> sources);

/// How far the clocks are apart: the largest difference of any two is at least and at most this.
struct ClockSpread {
  Nanoseconds at_least{}, at_most{};
};
/// Nothing for fewer than two.
std::optional<ClockSpread> spread(std::span<const ClockInterval> intervals);

}  // namespace qw::signals
