#pragma once
#include <span>
#include <string_view>

#include "daemon/promql/ast.hpp"

namespace qw::promql {

/// The functions by name and type: what the parser checks calls against. How each is computed is known to the
/// evaluator alone, by `id`.
enum class FunctionId : std::uint8_t {
  abs,
  absent,
  absent_over_time,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  avg_over_time,
  ceil,
  changes,
  clamp,
  clamp_max,
  clamp_min,
  cos,
  cosh,
  count_over_time,
  day_of_month,
  day_of_week,
  day_of_year,
  days_in_month,
  deg,
  delta,
  deriv,
  exp,
  first_over_time,
  floor,
  histogram_fraction,  ///< of classic histograms
  histogram_quantile,
  hour,
  idelta,
  increase,
  irate,
  label_join,
  label_replace,
  last_over_time,
  ln,
  log10,
  log2,
  max_over_time,
  min_over_time,
  minute,
  month,
  pi,
  predict_linear,
  present_over_time,
  quantile_over_time,
  rad,
  rate,
  resets,
  round,
  scalar,
  sgn,
  sin,
  sinh,
  sort,
  sort_desc,
  sqrt,
  stddev_over_time,
  stdvar_over_time,
  sum_over_time,
  tan,
  tanh,
  time,
  timestamp,
  vector,
  year,
  holt_winters,  ///< of Prometheus 2.x only: the evaluator's switch decides
};

struct Function {
  std::string_view name;
  FunctionId id;
  std::span<const ValueType> arguments;
  /// How many of the last arguments may be left out; -1: the last one may come any number of times, or not at
  /// all.
  int optional = 0;
  ValueType result = ValueType::vector;
};

/// Null when there is none of that name.
const Function* find_function(std::string_view name);
std::span<const Function> functions();
/// Functions of Prometheus that we refuse with a reason of their own: "native histograms are not supported".
std::string_view why_unsupported(std::string_view name);

}  // namespace qw::promql
