#pragma once
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/text.hpp"
#include "daemon/promql/ast.hpp"

namespace qw::promql {

/// What is wrong with an expression, and where: "unknown function with name "rat"; did you mean 'rate'?".
struct ParseError {
  Span span;
  std::string message;
  /// As Prometheus prints it: "1:5: parse error: ..." (line and column are 1-based; columns count bytes).
  std::string print(std::string_view text) const;
};

template <class T>
using Parsed = std::expected<T, ParseError>;

/// Deeper nesting is refused: the evaluator recurses as deep.
inline constexpr std::size_t kMaxDepth = 100;
/// Longer texts are refused.
inline constexpr std::size_t kMaxText = 1 << 20;

/// A whole expression, types checked. What we do not support (native histograms, experimental functions) is
/// refused with a message that says so.
Parsed<ExprPtr> parse(std::string_view text);

/// `{a="b",c=~"d"}` or `name{...}`: what /api/v1/series takes.
Parsed<std::vector<store::Matcher>> parse_matchers(std::string_view text);

/// "5m", "1h30m", "90s", "0": as Prometheus writes durations.
Parsed<Millis> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back: "1h30m", "0s".
std::string print_duration(Millis duration);

/// One line of `load` in test scripts and of `input_series` in rule tests: labels (with __name__) and values.
struct SeriesDescription {
  Labels labels;
  struct Value {
    bool omitted = false;  ///< `_`
    double value = 0;      ///< `stale` is the stale marker of the store
  };
  std::vector<Value> values;
};
Parsed<SeriesDescription> parse_series(std::string_view text);

/// Whether `text` may be the name of a metric (of the old, ASCII form); of a label: qw::is_label_name.
bool is_metric_name(std::string_view text);

}  // namespace qw::promql
