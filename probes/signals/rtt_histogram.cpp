#include "probes/signals/rtt_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qw::signals {
namespace {

using std::chrono::microseconds;

constexpr int kLowestOctave = 10;  // 2^10 ns
constexpr int kHighestOctave = 33;
constexpr int kPartBits = 4;

}  // namespace

const std::array<Nanoseconds, RttHistogram::kBuckets> RttHistogram::kBounds = {
    microseconds(5),        microseconds(10),       microseconds(25),       microseconds(50),
    microseconds(100),      microseconds(250),      microseconds(500),      microseconds(1000),
    microseconds(2500),     microseconds(5000),     microseconds(10'000),   microseconds(25'000),
    microseconds(50'000),   microseconds(100'000),  microseconds(250'000),  microseconds(500'000),
    microseconds(1000'000), microseconds(2500'000), microseconds(5000'000),
};
const std::array<std::string_view, RttHistogram::kBuckets> RttHistogram::kNames = {
    "5e-06", "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
    "0.01",  "0.025", "0.05",    "0.1",   "0.25",   "0.5",     "1.0",    "2.5",   "5.0",
};

void RttHistogram::add(Nanoseconds value) {
  ++count_;
  sum_ += value;
  const auto bucket = std::ranges::lower_bound(kBounds, value);
  if (bucket != kBounds.end()) ++buckets_[static_cast<std::size_t>(bucket - kBounds.begin())];
}

std::array<std::uint64_t, RttHistogram::kBuckets> RttHistogram::cumulative() const {
  auto sums = buckets_;
  for (std::size_t i = 1; i < kBuckets; ++i) sums[i] += sums[i - 1];
  return sums;
}

std::size_t RecentRtt::bucket_of(Nanoseconds value) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  const int octave = static_cast<int>(std::bit_width(ns)) - 1;
  if (octave < kLowestOctave) return 0;
  if (octave > kHighestOctave) return kBuckets - 1;
  const auto part = (ns >> (octave - kPartBits)) & ((1U << kPartBits) - 1);
  return (static_cast<std::size_t>(octave - kLowestOctave) << kPartBits) + part;
}

Nanoseconds RecentRtt::upper_bound(std::size_t bucket) {
  const auto octave = static_cast<int>(bucket >> kPartBits) + kLowestOctave;
  const auto parts = (bucket & ((1U << kPartBits) - 1)) + (1U << kPartBits) + 1;
  return Nanoseconds(static_cast<std::int64_t>(parts << (octave - kPartBits)));
}

void RecentRtt::add(SteadyTime now, Nanoseconds value) {
  auto& slice = slices_.at(now);
  ++slice.buckets[bucket_of(value)];
  ++slice.count;
  slice.longest = std::max(slice.longest, value);
}

std::uint64_t RecentRtt::count(SteadyTime now) {
  std::uint64_t count = 0;
  for (const auto& slice : slices_.window(now)) count += slice.count;
  return count;
}

std::optional<Nanoseconds> RecentRtt::quantile(SteadyTime now, double q) {
  std::array<std::uint64_t, kBuckets> sums{};
  std::uint64_t count = 0;
  Nanoseconds longest{};
  for (const auto& slice : slices_.window(now)) {
    if (slice.count == 0) continue;
    for (std::size_t i = 0; i < kBuckets; ++i) sums[i] += slice.buckets[i];
    count += slice.count;
    longest = std::max(longest, slice.longest);
  }
  if (count == 0) return std::nullopt;
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count)));
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    passed += sums[i];
    if (passed >= rank && passed > 0) return i + 1 == kBuckets ? longest : std::min(upper_bound(i), longest);
  }
  return longest;
}

}  // namespace qw::signals
