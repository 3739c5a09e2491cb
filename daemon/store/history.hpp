#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/store/matchers.hpp"
#include "daemon/store/store.hpp"
#include "daemon/store/track.hpp"

namespace qw::store {

/// The points of every series of every target, as far back as the retention reaches.
class History {
 public:
  History(Nanoseconds retention, std::size_t max_series) : retention_(retention), max_series_(max_series) {}

  /// Adds the round's samples at its end; series of the target that are not in it get a stale marker. Returns
  /// for each sample whether there was room for its series.
  std::vector<bool> append(const Round& round);
  void forget(const TargetId& target);
  std::vector<SeriesView> select(const Selector& selector, SteadyTime from, SteadyTime to) const;
  /// The series that match, with or without points; good until version() changes.
  std::vector<const Track*> find(const Selector& selector) const;
  /// Rises when a series comes or goes.
  std::uint64_t version() const { return version_; }
  /// The same for series of that name alone.
  std::uint64_t version_of(const std::string& name) const;
  void mark();
  /// Further rounds, and what is there, are kept for so long.
  void set_retention(Nanoseconds retention);
  std::size_t series() const { return series_; }
  /// What the points take, without the labels.
  std::size_t bytes() const;

 private:
  struct Line {
    Line(SeriesPtr series, const RoundTimes& times) : track(std::move(series), times) {}
    Track track;
    std::uint64_t round = 0;     ///< the last one that had the series
    std::size_t name_index = 0;  ///< where it stands in by_name_
  };
  struct Target {
    RoundTimes times;
    std::unordered_map<SeriesPtr, std::unique_ptr<Line>, SameSeries, SameSeries> lines;
    /// The lines in the order of the last round's samples: the next round mostly has the same, which saves
    /// the look-up.
    std::vector<Line*> order;
    std::uint64_t rounds = 0;
  };

  template <class Visit>
  void for_each(const Selector& selector, Visit visit) const;
  Line* find_or_make(Target& target, const SeriesPtr& series, std::size_t position);
  void end_vanished(Target& target, RoundTimes::Number number);
  void unlist(const Line& line);

  Nanoseconds retention_;
  std::size_t max_series_;
  std::size_t series_ = 0;
  std::uint64_t version_ = 1;
  std::map<TargetId, Target> targets_;
  struct Named {
    std::vector<Line*> lines;
    std::uint64_t version = 0;
  };
  std::unordered_map<std::string, Named> by_name_;
};

}  // namespace qw::store
