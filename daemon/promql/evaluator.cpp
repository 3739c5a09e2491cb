#include "daemon/promql/evaluator.hpp"

#include <algorithm>
#include <utility>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

Answer with_annotations(Value value, Evaluation& evaluation) {
  return {.value = std::move(value), .annotations = evaluation.take_annotations()};
}

template <class T>
Result<Answer> answer(Result<T> value, Evaluation& evaluation) {
  if (!value) return std::unexpected(value.error());
  return with_annotations(std::move(*value), evaluation);
}

/// Series in the order of their labels, as a range query has them.
Result<Matrix> sorted(Result<Matrix> matrix) {
  if (matrix) std::ranges::sort(*matrix, {}, &MatrixSeries::labels);
  return matrix;
}

}  // namespace

Result<Answer> evaluate(const Expr& expr, const Source& source, Millis at, const Options& options) {
  Evaluation evaluation(source, {.start = at, .end = at, .step = 0}, options);
  switch (expr.type) {
    case ValueType::scalar:
      return answer(evaluation.instant_scalar(expr), evaluation);
    case ValueType::vector:
      return answer(evaluation.instant_vector(expr), evaluation);
    case ValueType::matrix:
      return answer(sorted(evaluation.matrix(expr)), evaluation);
    case ValueType::string:
      break;
  }
  return with_annotations(Text{.at = at, .value = text_of(expr)}, evaluation);
}

Result<Answer> evaluate_range(const Expr& expr, const Source& source, Times times, const Options& options) {
  if (expr.type != ValueType::scalar && expr.type != ValueType::vector) {
    return fail(ErrorKind::rejected, "invalid expression type \"" + std::string(name(expr.type)) +
                                         "\" for range query, must be Scalar or instant Vector");
  }
  if (times.step <= 0) {
    return fail(ErrorKind::rejected,
                "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (times.end < times.start)
    return fail(ErrorKind::rejected, "end timestamp must not be before start time");
  Evaluation evaluation(source, times, options);
  return answer(sorted(evaluation.range_matrix(expr)), evaluation);
}

}  // namespace qw::promql
