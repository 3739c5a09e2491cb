#include <algorithm>
#include <cmath>
#include <limits>

#include "daemon/promql/kahan.hpp"
#include "daemon/promql/range_functions.hpp"
#include "daemon/promql/table.hpp"

namespace qw::promql {
namespace {

struct Line {
  double slope = 0;      ///< a second
  double intercept = 0;  ///< the value at the time asked for
};

/// The line with the least squares through the points.
Line fitted_line(std::span<const Point> points, Millis time) {
  const double first = points[0].value;
  if (std::ranges::all_of(points.subspan(1), [&](const Point& point) { return point.value == first; })) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    return std::isinf(first) ? Line{.slope = kNone, .intercept = kNone}
                             : Line{.slope = 0, .intercept = first};
  }
  KahanSum x_sum;
  KahanSum y_sum;
  KahanSum xy_sum;
  KahanSum xx_sum;
  for (const auto& point : points) {
    const double x = static_cast<double>(point.at - time) / 1000;
    x_sum.add(x);
    y_sum.add(point.value);
    xy_sum.add(x * point.value);
    xx_sum.add(x * x);
  }
  const auto count = static_cast<double>(points.size());
  const double x = x_sum.total();
  const double y = y_sum.total();
  const double covariance = xy_sum.total() - x * y / count;
  const double variance = xx_sum.total() - x * x / count;
  const double slope = covariance / variance;
  return {.slope = slope, .intercept = y / count - slope * x / count};
}

double deriv(const Window& window) {
  if (window.points.size() < 2) return kAbsent;
  // Seen from a time nearby, since squares of large numbers would lose the digits.
  return fitted_line(window.points, window.points[0].at).slope;
}

double predict_linear(const Window& window) {
  if (window.points.size() < 2) return kAbsent;
  const auto line = fitted_line(window.points, window.at);
  return line.slope * window.numbers[0] + line.intercept;
}

/// Double exponential smoothing with a smoothing factor and a trend factor.
double holt_winters(const Window& window) {
  const auto& points = window.points;
  if (points.size() < 2) return kAbsent;
  const double smoothing = window.numbers[0];
  const double trending = window.numbers[1];
  double before = 0;
  double smoothed = points[0].value;
  double trend = points[1].value - points[0].value;
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (i > 1) trend = trending * (smoothed - before) + (1 - trending) * trend;
    const double next = smoothing * points[i].value + (1 - smoothing) * (smoothed + trend);
    before = smoothed;
    smoothed = next;
  }
  return smoothed;
}

}  // namespace

RangeFunction trend_function(FunctionId id) {
  switch (id) {
    case FunctionId::deriv:
      return deriv;
    case FunctionId::holt_winters:
      return holt_winters;
    case FunctionId::predict_linear:
      return predict_linear;
    default:
      return nullptr;
  }
}

RangeFunction range_function(FunctionId id) {
  if (const auto function = rate_function(id)) return function;
  if (const auto function = over_time_function(id)) return function;
  return trend_function(id);
}

}  // namespace qw::promql
