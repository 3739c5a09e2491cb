#include <cmath>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

double sign(double x) {
  if (x < 0) return -1;
  return x > 0 ? 1 : x;
}
double radians(double x) {
  return x * M_PI / 180;
}
double degrees(double x) {
  return x * 180 / M_PI;
}

}  // namespace

double (*number_function(FunctionId id))(double) {
  // A pointer chooses the overload of the standard function.
  using Function = double (*)(double);
  switch (id) {
    case FunctionId::abs:
      return static_cast<Function>(std::fabs);
    case FunctionId::acos:
      return static_cast<Function>(std::acos);
    case FunctionId::acosh:
      return static_cast<Function>(std::acosh);
    case FunctionId::asin:
      return static_cast<Function>(std::asin);
    case FunctionId::asinh:
      return static_cast<Function>(std::asinh);
    case FunctionId::atan:
      return static_cast<Function>(std::atan);
    case FunctionId::atanh:
      return static_cast<Function>(std::atanh);
    case FunctionId::ceil:
      return static_cast<Function>(std::ceil);
    case FunctionId::cos:
      return static_cast<Function>(std::cos);
    case FunctionId::cosh:
      return static_cast<Function>(std::cosh);
    case FunctionId::deg:
      return degrees;
    case FunctionId::exp:
      return static_cast<Function>(std::exp);
    case FunctionId::floor:
      return static_cast<Function>(std::floor);
    case FunctionId::ln:
      return static_cast<Function>(std::log);
    case FunctionId::log10:
      return static_cast<Function>(std::log10);
    case FunctionId::log2:
      return static_cast<Function>(std::log2);
    case FunctionId::rad:
      return radians;
    case FunctionId::sgn:
      return sign;
    case FunctionId::sin:
      return static_cast<Function>(std::sin);
    case FunctionId::sinh:
      return static_cast<Function>(std::sinh);
    case FunctionId::sqrt:
      return static_cast<Function>(std::sqrt);
    case FunctionId::tan:
      return static_cast<Function>(std::tan);
    case FunctionId::tanh:
      return static_cast<Function>(std::tanh);
    default:
      return nullptr;
  }
}

}  // namespace qw::promql
