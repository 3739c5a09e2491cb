#pragma once
#include <span>

#include "daemon/promql/functions.hpp"
#include "daemon/promql/value.hpp"

namespace qw::promql {

/// What a function of a range vector sees of one series at one instant.
struct Window {
  std::span<const Point> points;  ///< at least one
  Millis begin = 0;               ///< of the range, not of the points
  Millis end = 0;
  Millis at = 0;                    ///< of the evaluation
  std::span<const double> numbers;  ///< the other arguments, at this instant
  bool legacy = false;              ///< as Prometheus 2.x computes it
};

/// The value, or kAbsent when there are not enough points.
using RangeFunction = double (*)(const Window&);

/// Null when the id is of no such function. The three parts are in a file each.
RangeFunction range_function(FunctionId id);
RangeFunction rate_function(FunctionId id);       ///< what depends on the order of the points
RangeFunction over_time_function(FunctionId id);  ///< what aggregates them
RangeFunction trend_function(FunctionId id);      ///< what fits a line

}  // namespace qw::promql
