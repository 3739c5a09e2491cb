#pragma once
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace qw::promql {

/// Of a classic histogram: how many observations were at most `bound`.
struct Bucket {
  double bound = 0;
  double count = 0;
};

/// The value of label "le" as Go reads numbers.
std::optional<double> bucket_bound(std::string_view text);

struct HistogramQuantile {
  double value = std::numeric_limits<double>::quiet_NaN();
  bool fell = false;  ///< counts fell from bucket to bucket, by more than rounding
};
/// Buckets in the order of their bounds, at least one; they are changed. With `legacy` as Prometheus 2.x.
HistogramQuantile histogram_quantile(double q, std::vector<Bucket>& buckets, bool legacy);
/// Which part of the observations is between the two.
double histogram_fraction(double lower, double upper, std::vector<Bucket>& buckets);

}  // namespace qw::promql
