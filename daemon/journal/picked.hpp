#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/model/round.hpp"

namespace qw::journal {

/// The samples of one round that changes are read from, by what they are about. Of 20,000 samples of a large
/// target few are.
struct Picked {
  std::vector<Sample> leadership, replication, wires, clocks, states;
  std::vector<const Sample*> consumer_statuses;  ///< those that are 1
  std::vector<const Sample*> consumers;          ///< what else is said of groups and topics
  std::vector<const Sample*> rebalances, lost;
};

/// Sorts samples by their families, each of which it looks at once.
class Picker {
 public:
  Picked pick(const Round& round);

 private:
  enum class Topic : std::uint8_t {
    none,
    leadership,
    replication,
    wire,
    clock,
    state,
    consumer_status,
    consumer,
    rebalances,
    lost,
  };
  static Topic topic_of(std::string_view family);

  std::unordered_map<const MetricFamily*, Topic> topics_;
};

/// The totals of a target's counters in the last round that had them.
class Counters {
 public:
  /// A round begins; those that no round had for long are forgotten.
  void begin();
  /// Starts anew: all totals will be seen for the first time.
  void reset() { totals_.clear(); }
  /// By how much it rose since it was last seen; 0 for a total that is seen for the first time, and for one
  /// that fell, as its process began anew.
  double rise(const Sample& sample);

 private:
  struct Total {
    double value = 0;
    std::uint64_t seen = 0;
  };
  std::unordered_map<SeriesPtr, Total, SameSeries, SameSeries> totals_;
  std::uint64_t round_ = 0;
};

}  // namespace qw::journal
