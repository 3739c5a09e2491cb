#include "daemon/promql/classic_histogram.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace qw::promql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, {}, lower);
}

/// Buckets with the same bound, written in different ways, are one.
void unite(std::vector<Bucket>& buckets) {
  std::size_t kept = 0;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].bound == buckets[kept].bound) {
      buckets[kept].count += buckets[i].count;
    } else {
      buckets[++kept] = buckets[i];
    }
  }
  buckets.resize(kept + 1);
}

/// Equal but for what rounding may have done.
bool nearly_equal(double a, double b) {
  constexpr double kTolerance = 1e-12;
  constexpr double kSmallest = std::numeric_limits<double>::min();
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  if (a == 0 || b == 0 || sum < kSmallest) return difference < kTolerance * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

/// Counts must not fall from bucket to bucket. Whether any did by more than rounding.
bool make_monotonic(std::vector<Bucket>& buckets, bool legacy) {
  bool fell = false;
  double before = buckets[0].count;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    double& count = buckets[i].count;
    if (!legacy && nearly_equal(before, count)) {
      count = before;
    } else if (count < before) {
      count = before;
      fell = true;
    } else if (!legacy || count > before) {
      before = count;
    }
  }
  return fell;
}

/// How many observations are at most `value`, with those of a bucket taken as evenly spread.
double rank_of(double value, const std::vector<Bucket>& buckets) {
  // Where the first bound is positive, so are all observations.
  double low = buckets[0].bound <= 0 ? -kInfinity : 0;
  double before = 0;
  for (const auto& bucket : buckets) {
    if (low >= value) return before;
    if (value < bucket.bound) {
      // A bucket without a lower end can not be divided.
      if (std::isinf(low)) return bucket.count;
      return before + (bucket.count - before) * (value - low) / (bucket.bound - low);
    }
    low = bucket.bound;
    before = bucket.count;
  }
  return before;
}

}  // namespace

std::optional<double> bucket_bound(std::string_view text) {
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const double sign = negative ? -1 : 1;
  if (equal_ignoring_case(text, "inf") || equal_ignoring_case(text, "infinity")) return sign * kInfinity;
  if (equal_ignoring_case(text, "nan")) return kNaN;
  auto format = std::chars_format::general;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    format = std::chars_format::hex;
    text.remove_prefix(2);
  }
  if (text.empty() || text[0] == '-' || lower(text[0]) == 'i' || lower(text[0]) == 'n') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return sign * value;
}

/// Inside a bucket the observations are taken as evenly spread.
HistogramQuantile histogram_quantile(double q, std::vector<Bucket>& buckets, bool legacy) {
  if (std::isnan(q)) return {};
  if (q < 0) return {.value = -kInfinity};
  if (q > 1) return {.value = kInfinity};
  if (buckets.back().bound != kInfinity) return {};
  unite(buckets);
  HistogramQuantile out{.fell = make_monotonic(buckets, legacy)};
  const double observations = buckets.back().count;
  if (buckets.size() < 2 || observations == 0) return out;
  double rank = q * observations;
  const auto in_rank = [&](const Bucket& bucket) { return !(bucket.count >= rank); };
  const auto found = static_cast<std::size_t>(
      std::partition_point(buckets.begin(), buckets.end() - 1, in_rank) - buckets.begin());
  if (found == buckets.size() - 1) {
    out.value = buckets[found - 1].bound;
  } else if (found == 0 && buckets[0].bound <= 0) {
    out.value = buckets[0].bound;
  } else {
    const double start = found == 0 ? 0 : buckets[found - 1].bound;
    double count = buckets[found].count;
    if (found > 0) {
      count -= buckets[found - 1].count;
      rank -= buckets[found - 1].count;
    }
    out.value = start + (buckets[found].bound - start) * (rank / count);
  }
  return out;
}

double histogram_fraction(double lower, double upper, std::vector<Bucket>& buckets) {
  if (buckets.back().bound != kInfinity) return kNaN;
  unite(buckets);
  const double count = buckets.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
  if (lower >= upper) return 0;
  const double below_lower = rank_of(lower, buckets);
  const double below_upper = rank_of(upper, buckets);
  return (std::min(below_upper, count) - std::min(below_lower, count)) / count;
}

}  // namespace qw::promql
