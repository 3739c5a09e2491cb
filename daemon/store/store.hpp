#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/round.hpp"

namespace qw::store {

/// All targets at one instant; immutable, so that a worker may read it while the loop goes on.
struct Snapshot {
  std::uint64_t generation = 0;   ///< rises with every change
  std::vector<RoundPtr> rounds;   ///< the last round of each target, in order of TargetId
  std::vector<RoundPtr> derived;  ///< what each group of rules wrote last
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct Point {
  SteadyTime at;
  double value;
};

/// The value of the point at which a series ended: the NaN that Prometheus uses for it, told from others by
/// its bits.
double stale_marker();
bool is_stale_marker(double value);

enum class MatchType : std::uint8_t { equal, not_equal, regex, not_regex };

/// One label matcher as in PromQL; regular expressions are RE2 and anchored. The family's name is label
/// __name__.
struct Matcher {
  std::string label;
  MatchType type = MatchType::equal;
  std::string value;
};

struct SeriesView {
  SeriesPtr series;
  std::vector<Point> points;  ///< in order of time
};

class Track;  // track.hpp

/// Which rounds a reader of tracks sees: all, or those before the last Store::mark().
enum class Seen : std::uint8_t { all, marked };

/// The last round of each target, and as much history as `retention` says. Lives on the loop; readers get
/// snapshots.
class Store {
 public:
  struct Options {
    Options() = default;
    Nanoseconds retention{0};            ///< how far back select() can look; 0: no history is kept
    std::size_t max_series = 1'000'000;  ///< samples of further series are left out and counted
  };
  explicit Store(Options options);
  ~Store();

  /// Replaces the target's last round; series that it no longer has are stale from its time on.
  void publish(RoundPtr round);
  /// Takes a round into the history alone: what has a page of its own (the daemon's own metrics).
  void remember(const Round& round);
  /// The target is no longer configured.
  void forget(const TargetId& target);

  /// The same object until something changes: asking again costs nothing.
  SnapshotPtr snapshot() const;
  /// Series with points in [from, to], stale markers among them. A point's time is the end of its round.
  /// Without retention the last rounds are all there is. A regular expression that RE2 refuses matches
  /// nothing.
  std::vector<SeriesView> select(std::span<const Matcher> matchers, SteadyTime from, SteadyTime to) const;
  /// The series that match, for those who ask the same again and again: their points can be read without
  /// matching, until tracks_version() changes. None without retention.
  std::vector<const Track*> find(std::span<const Matcher> matchers) const;
  std::uint64_t tracks_version() const;
  /// The same for what find() gives for these matchers alone.
  std::uint64_t tracks_version(std::span<const Matcher> matchers) const;
  /// Whoever reads in several steps marks first what there is, and then sees one state of all targets.
  void mark();
  /// How far back select() can look from now on. History begins with the last rounds where none was kept; 0
  /// forgets it.
  void set_retention(Nanoseconds retention);
  /// The same as long as the last rounds have no more than so many series; from then on none is kept.
  void set_retention(Nanoseconds retention, std::size_t most_series);
  Nanoseconds retention() const;
  /// What the history takes besides the labels; walks over all series.
  std::size_t history_bytes() const;
  /// Series held now; with retention also those that have ended but can still be looked at.
  std::size_t series() const;
  std::uint64_t series_dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::store
