#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "daemon/promql/value.hpp"

namespace qw::promql {

/// The labels of one series, __name__ among them, shared by everybody who looks at it.
struct SeriesLabels {
  Labels labels;
  std::uint64_t hash = 0;  ///< of `labels`
};
using SeriesLabelsPtr = std::shared_ptr<const SeriesLabels>;

/// Where samples come from: the store in the daemon, a script in tests.
class Source {
 public:
  struct Series {
    SeriesLabelsPtr labels;
    std::vector<Point> points;  ///< in order of time, stale markers among them
  };
  virtual ~Source() = default;
  /// Series that match, with their points in the closed interval [from, to]; each label set once, in any
  /// order.
  virtual std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from,
                                     Millis to) const = 0;
};

}  // namespace qw::promql
