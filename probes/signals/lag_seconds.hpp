#pragma once
#include <optional>

#include "probes/signals/consumer_progress.hpp"

namespace qw::signals {

/// A lag in time: the true one lies in [value - below, value + above].
struct LagSeconds {
  double value = 0, below = 0, above = 0;
  DatedBy by = DatedBy::history;
};

/// Of one partition; nothing where nobody knows. `round`: the present one.
std::optional<LagSeconds> lag_seconds(const Group& group, const Consumer& consumer, const Place& place,
                                      std::uint32_t round);

/// Whether `place` is known to be beyond the end of its log, and by how many messages.
std::uint64_t beyond_end(const Consumer& consumer, const Place& place, std::uint32_t round);

/// What a group and a topic come to, over all partitions.
struct LagSummary {
  std::optional<double> messages;  ///< at least, where partitions are unknown
  std::size_t unknown = 0;
  std::optional<double> blocked, beyond_end;
  std::optional<LagSeconds> seconds;  ///< of the worst partition
  const Place* worst = nullptr;
  std::optional<double> skew;  ///< the largest lag to the mean
  std::optional<double> in, out, catch_up, retention;
};
LagSummary summarize(const Group& group, const Consumer& consumer, std::uint32_t round);

}  // namespace qw::signals
