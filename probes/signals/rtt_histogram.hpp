#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/base/time.hpp"
#include "probes/signals/time_slots.hpp"

namespace qw::signals {

/// All round trips since the process began, in the classic buckets of an exposition.
class RttHistogram {
 public:
  static constexpr std::size_t kBuckets = 19;
  /// The upper bounds, 5 us to 5 s, and how they are written as the label `le`.
  static const std::array<Nanoseconds, kBuckets> kBounds;
  static const std::array<std::string_view, kBuckets> kNames;

  void add(Nanoseconds value);
  /// How many were not longer than each bound.
  std::array<std::uint64_t, kBuckets> cumulative() const;
  std::uint64_t count() const { return count_; }
  Nanoseconds sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  Nanoseconds sum_{};
};

/// Quantiles of the last five minutes. A quantile is given up to 6 % too high, never too low and never more
/// than the longest: buckets are a sixteenth of a power of two wide, from 1 us to 17 s.
class RecentRtt {
 public:
  void add(SteadyTime now, Nanoseconds value);
  /// Nothing where the window is empty. `q` in (0, 1].
  std::optional<Nanoseconds> quantile(SteadyTime now, double q);
  std::uint64_t count(SteadyTime now);

 private:
  static constexpr std::size_t kBuckets = 384;
  struct Slice {
    std::array<std::uint32_t, kBuckets> buckets{};
    std::uint32_t count = 0;
    Nanoseconds longest{};
  };
  static std::size_t bucket_of(Nanoseconds value);
  static Nanoseconds upper_bound(std::size_t bucket);

  TimeSlots<Slice, 6> slices_{std::chrono::seconds(50)};
};

}  // namespace qw::signals
