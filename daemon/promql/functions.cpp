#include "daemon/promql/functions.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace qw::promql {
namespace {

using Types = std::span<const ValueType>;
constexpr auto kScalar = ValueType::scalar;
constexpr auto kVector = ValueType::vector;
constexpr auto kMatrix = ValueType::matrix;
constexpr auto kString = ValueType::string;

constexpr std::array kV{kVector};
constexpr std::array kM{kMatrix};
constexpr std::array kS{kScalar};
constexpr std::array kVS{kVector, kScalar};
constexpr std::array kVSS{kVector, kScalar, kScalar};
constexpr std::array kSV{kScalar, kVector};
constexpr std::array kSSV{kScalar, kScalar, kVector};
constexpr std::array kSM{kScalar, kMatrix};
constexpr std::array kMS{kMatrix, kScalar};
constexpr std::array kMSS{kMatrix, kScalar, kScalar};
constexpr std::array kVString3{kVector, kString, kString, kString};
constexpr std::array kVString4{kVector, kString, kString, kString, kString};

using enum FunctionId;

// In order of name.
constexpr std::array<Function, 69> kFunctions{{
    {"abs", abs, kV},
    {"absent", absent, kV},
    {"absent_over_time", absent_over_time, kM},
    {"acos", acos, kV},
    {"acosh", acosh, kV},
    {"asin", asin, kV},
    {"asinh", asinh, kV},
    {"atan", atan, kV},
    {"atanh", atanh, kV},
    {"avg_over_time", avg_over_time, kM},
    {"ceil", ceil, kV},
    {"changes", changes, kM},
    {"clamp", clamp, kVSS},
    {"clamp_max", clamp_max, kVS},
    {"clamp_min", clamp_min, kVS},
    {"cos", cos, kV},
    {"cosh", cosh, kV},
    {"count_over_time", count_over_time, kM},
    {"day_of_month", day_of_month, kV, 1},
    {"day_of_week", day_of_week, kV, 1},
    {"day_of_year", day_of_year, kV, 1},
    {"days_in_month", days_in_month, kV, 1},
    {"deg", deg, kV},
    {"delta", delta, kM},
    {"deriv", deriv, kM},
    {"exp", exp, kV},
    {"first_over_time", first_over_time, kM},
    {"floor", floor, kV},
    {"histogram_fraction", histogram_fraction, kSSV},
    {"histogram_quantile", histogram_quantile, kSV},
    {"holt_winters", holt_winters, kMSS},
    {"hour", hour, kV, 1},
    {"idelta", idelta, kM},
    {"increase", increase, kM},
    {"irate", irate, kM},
    {"label_join", label_join, kVString3, -1},
    {"label_replace", label_replace, kVString4},
    {"last_over_time", last_over_time, kM},
    {"ln", ln, kV},
    {"log10", log10, kV},
    {"log2", log2, kV},
    {"max_over_time", max_over_time, kM},
    {"min_over_time", min_over_time, kM},
    {"minute", minute, kV, 1},
    {"month", month, kV, 1},
    {"pi", pi, Types(), 0, kScalar},
    {"predict_linear", predict_linear, kMS},
    {"present_over_time", present_over_time, kM},
    {"quantile_over_time", quantile_over_time, kSM},
    {"rad", rad, kV},
    {"rate", rate, kM},
    {"resets", resets, kM},
    {"round", round, kVS, 1},
    {"scalar", scalar, kV, 0, kScalar},
    {"sgn", sgn, kV},
    {"sin", sin, kV},
    {"sinh", sinh, kV},
    {"sort", sort, kV},
    {"sort_desc", sort_desc, kV},
    {"sqrt", sqrt, kV},
    {"stddev_over_time", stddev_over_time, kM},
    {"stdvar_over_time", stdvar_over_time, kM},
    {"sum_over_time", sum_over_time, kM},
    {"tan", tan, kV},
    {"tanh", tanh, kV},
    {"time", time, Types(), 0, kScalar},
    {"timestamp", timestamp, kV},
    {"vector", vector, kS},
    {"year", year, kV, 1},
}};

constexpr std::string_view kNative = "native histograms are not supported";
constexpr std::string_view kExperimental = "experimental functions are not supported";
constexpr std::string_view kExperimentalAggregation = "experimental aggregations are not supported";
constexpr std::string_view kFill = "the experimental fill modifiers are not supported";

using Reason = std::pair<std::string_view, std::string_view>;
constexpr std::array<Reason, 27> kUnsupported{{
    {"double_exponential_smoothing", kExperimental},
    {"end", kExperimental},
    {"fill", kFill},
    {"fill_left", kFill},
    {"fill_right", kFill},
    {"histogram_avg", kNative},
    {"histogram_count", kNative},
    {"histogram_quantiles", kExperimental},
    {"histogram_stddev", kNative},
    {"histogram_stdvar", kNative},
    {"histogram_sum", kNative},
    {"info", kExperimental},
    {"limit_ratio", kExperimentalAggregation},
    {"limitk", kExperimentalAggregation},
    {"mad_over_time", kExperimental},
    {"max_of", kExperimental},
    {"min_of", kExperimental},
    {"range", kExperimental},
    {"sort_by_label", kExperimental},
    {"sort_by_label_desc", kExperimental},
    {"start", kExperimental},
    {"start_timestamp", kExperimental},
    {"step", kExperimental},
    {"ts_of_first_over_time", kExperimental},
    {"ts_of_last_over_time", kExperimental},
    {"ts_of_max_over_time", kExperimental},
    {"ts_of_min_over_time", kExperimental},
}};

}  // namespace

const Function* find_function(std::string_view name) {
  const auto* const found = std::ranges::lower_bound(kFunctions, name, {}, &Function::name);
  return found != kFunctions.end() && found->name == name ? found : nullptr;
}

std::span<const Function> functions() {
  return kFunctions;
}

std::string_view why_unsupported(std::string_view name) {
  const auto* const found = std::ranges::find(kUnsupported, name, &Reason::first);
  return found != kUnsupported.end() ? found->second : std::string_view();
}

}  // namespace qw::promql
