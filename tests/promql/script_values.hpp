#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/promql/script.hpp"

namespace qw::promql {

/// As upstream compares: up to a millionth; NaN equals NaN.
bool nearly_equal(double a, double b);

/// "2.5", "0x1f", "+Inf": what a scalar result looks like. Nothing for series.
std::optional<double> number_of(const std::string& line);

/// Label sets and their points, in the order of the script or of the result.
struct Values {
  std::vector<std::pair<Labels, std::vector<Point>>> series;
  std::string print() const;
};

/// Empty when they are the same, else both as text.
std::string compare(Values expected, Values got, bool ordered);

/// What the lines of a command say.
Result<Values> expected_values(const EvalCommand& command);
Values values_of(const Value& value);

}  // namespace qw::promql
