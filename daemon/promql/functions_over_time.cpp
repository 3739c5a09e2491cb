#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/kahan.hpp"
#include "daemon/promql/range_functions.hpp"

namespace qw::promql {
namespace {

double average(const Window& window) {
  if (window.legacy) {
    KahanSum mean;
    double count = 0;
    for (const auto& point : window.points) {
      ++count;
      if (!keeps_infinite_mean(mean.sum, point.value)) mean.add(point.value / count - mean.sum / count);
    }
    return std::isinf(mean.sum) ? mean.sum : mean.total();
  }
  KahanMean mean;
  for (const auto& point : window.points) mean.add(point.value);
  return mean.mean();
}

double sum(const Window& window) {
  KahanSum sum;
  for (const auto& point : window.points) sum.add(point.value);
  return std::isinf(sum.sum) ? sum.sum : sum.total();
}

double variance(const Window& window) {
  KahanSum mean;
  KahanSum squares;
  double count = 0;
  for (const auto& point : window.points) {
    ++count;
    const double delta = point.value - mean.total();
    mean.add(delta / count);
    squares.add(delta * (point.value - mean.total()));
  }
  return squares.total() / count;
}

double deviation(const Window& window) {
  return std::sqrt(variance(window));
}

double greatest(const Window& window) {
  double greatest = window.points[0].value;
  for (const auto& point : window.points) {
    if (point.value > greatest || std::isnan(greatest)) greatest = point.value;
  }
  return greatest;
}

double least(const Window& window) {
  double least = window.points[0].value;
  for (const auto& point : window.points) {
    if (point.value < least || std::isnan(least)) least = point.value;
  }
  return least;
}

double count(const Window& window) {
  return static_cast<double>(window.points.size());
}

double first(const Window& window) {
  return window.points.front().value;
}

double last(const Window& window) {
  return window.points.back().value;
}

double present(const Window& /*window*/) {
  return 1;
}

double quantile_of_window(const Window& window) {
  std::vector<double> values;
  values.reserve(window.points.size());
  for (const auto& point : window.points) values.push_back(point.value);
  return quantile(window.numbers[0], values);
}

}  // namespace

double quantile(double q, std::span<double> values) {
  if (values.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  std::ranges::sort(values, [](double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
    return a < b;
  });
  const double last = static_cast<double>(values.size()) - 1;
  const double rank = q * last;
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(last, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<std::size_t>(lower)] * (1 - weight) +
         values[static_cast<std::size_t>(upper)] * weight;
}

RangeFunction over_time_function(FunctionId id) {
  switch (id) {
    case FunctionId::avg_over_time:
      return average;
    case FunctionId::count_over_time:
      return count;
    case FunctionId::first_over_time:
      return first;
    case FunctionId::last_over_time:
      return last;
    case FunctionId::max_over_time:
      return greatest;
    case FunctionId::min_over_time:
      return least;
    case FunctionId::present_over_time:
      return present;
    case FunctionId::quantile_over_time:
      return quantile_of_window;
    case FunctionId::stddev_over_time:
      return deviation;
    case FunctionId::stdvar_over_time:
      return variance;
    case FunctionId::sum_over_time:
      return sum;
    default:
      return nullptr;
  }
}

}  // namespace qw::promql
