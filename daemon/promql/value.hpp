#pragma once
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/promql/ast.hpp"

namespace qw::promql {

/// What an expression comes to. Labels hold __name__ where the series still has a name.
struct Point {
  Millis at = 0;
  double value = 0;
};

struct VectorSample {
  Labels labels;
  Millis at = 0;  ///< of the evaluation
  double value = 0;
};
using Vector = std::vector<VectorSample>;

struct MatrixSeries {
  Labels labels;
  std::vector<Point> points;
};
using Matrix = std::vector<MatrixSeries>;

struct Scalar {
  Millis at = 0;
  double value = 0;
};
struct Text {
  Millis at = 0;
  std::string value;
};

using Value = std::variant<Scalar, Vector, Matrix, Text>;

}  // namespace qw::promql
