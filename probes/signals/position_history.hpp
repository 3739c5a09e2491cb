#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/base/time.hpp"

namespace qw::signals {

/// Where the leader of one history stood at which time, so that a position can be dated. At most kMostPoints
/// points: the recent ones as dense as they came, older ones ever thinner, so that hours fit and the error of
/// a date stays in proportion to its age.
class PositionHistory {
 public:
  static constexpr std::size_t kMostPoints = 512;

  struct Point {
    SteadyTime at;
    std::uint64_t position;
  };
  struct Passed {
    SteadyTime at;
    bool at_latest = false;  ///< it was before we remember, or while nobody watched
  };

  /// Times must not go back. A position that does undoes what lay beyond it.
  void add(SteadyTime at, std::uint64_t position);
  /// The same after a time in which nobody watched: what was written then is not dated by an even pace.
  void add_after_gap(SteadyTime at, std::uint64_t position);
  /// Starts with the past of another history, up to where this one left it.
  void inherit(const PositionHistory& from, std::uint64_t until);
  /// When the leader went beyond `position`, interpolated between two points; nothing while it has not.
  std::optional<Passed> passed(std::uint64_t position) const;
  /// When the leader came to `position`; the newest point where it has not yet, nothing where that was before
  /// we remember. In a gap it is the gap's end.
  std::optional<SteadyTime> reached(std::uint64_t position) const;
  /// The newest point; null: empty.
  const Point* last() const { return points_.empty() ? nullptr : &points_.back(); }
  std::span<const Point> points() const { return points_; }

 private:
  static constexpr std::size_t kMostGaps = 32;

  bool ends_gap(const Point& point) const;
  void forget_gaps_beyond();
  void thin_out();
  std::vector<Point> points_;
  std::vector<SteadyTime> gaps_;  ///< when they ended, in order; beyond kMostGaps the oldest are forgotten
};

}  // namespace qw::signals
