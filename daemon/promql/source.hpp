#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/promql/value.hpp"

namespace qw::promql {

std::uint64_t hash_name(std::string_view name);
/// Of one label; a label set's hash is the sum over its labels.
std::uint64_t hash_pair(std::string_view name, std::string_view value);

/// The labels of one series, __name__ among them, shared by everybody who looks at it. Making them costs a
/// hash of every label: whoever owns a series makes them once and keeps them.
struct SeriesLabels {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// Labels with an empty value are left out: to PromQL they are not there.
  explicit SeriesLabels(Labels all);

  /// Of one label. Looking for a label among them touches less memory than the texts.
  struct Hashes {
    std::uint64_t name = 0;
    std::uint64_t pair = 0;
  };

  Labels labels;
  std::uint64_t hash = 0;          ///< the sum of the pairs' hashes
  std::vector<Hashes> hashes;      ///< in the order of `labels`
  std::size_t name_index = kNone;  ///< where __name__ stands among them
};
using SeriesLabelsPtr = std::shared_ptr<const SeriesLabels>;
SeriesLabelsPtr share(Labels labels);

/// Where samples come from: the store in the daemon, a script in tests.
class Source {
 public:
  struct Series {
    SeriesLabelsPtr labels;
    std::vector<Point> points;  ///< in order of time, stale markers among them
  };
  /// Shared by everybody who asks for the same.
  using Selection = std::shared_ptr<const std::vector<Series>>;
  /// What will be looked at: with `newest` only the last point of each series.
  enum class Need : std::uint8_t { all, newest };

  virtual ~Source() = default;
  /// Series that match, with their points in the closed interval [from, to]; each label set once, in any
  /// order.
  virtual std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from,
                                     Millis to) const = 0;
  /// The same for the evaluator. A source that holds such series already, or that can save work when only the
  /// newest points are needed, overrides this.
  virtual Selection fetch(std::span<const store::Matcher> matchers, Millis from, Millis to, Need need) const;
};

}  // namespace qw::promql
