#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/store/store.hpp"

/// The syntax tree of PromQL (Prometheus 3; native histograms and experimental features are left out). It is
/// built and checked by parser.hpp, printed by printer.hpp and evaluated by evaluator.hpp.
namespace qw::promql {

/// Milliseconds since the Unix epoch, as in Prometheus. Durations have the same unit.
using Millis = std::int64_t;

/// Where a node stands in the text: bytes [begin, end).
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

enum class ValueType : std::uint8_t { scalar, vector, matrix, string };
/// "scalar", "instant vector", "range vector", "string", as Prometheus names them in its messages.
std::string_view name(ValueType type);

struct Function;  // functions.hpp
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Number {
  double value = 0;
  bool duration = false;  ///< it was written as one ("5m"), and is printed as one
};

struct String {
  std::string value;
};

/// The `@` modifier: a time, or the start or the end of the evaluated range.
struct At {
  enum class Kind : std::uint8_t { time, start, end } kind = Kind::time;
  Millis time = 0;
};

struct VectorSelector {
  std::string name;                      ///< empty where only matchers say it
  std::vector<store::Matcher> matchers;  ///< with the one for __name__ when `name` is not empty
  Millis offset = 0;
  std::optional<At> at;
};

struct MatrixSelector {
  VectorSelector selector;
  Millis range = 0;
};

struct Subquery {
  ExprPtr expr;
  Millis range = 0;
  std::optional<Millis> step;  ///< nothing: the evaluation's default step
  Millis offset = 0;
  std::optional<At> at;
};

struct Paren {
  ExprPtr expr;
};

struct Unary {
  bool minus = false;
  ExprPtr expr;
};

enum class BinaryOp : std::uint8_t {
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  atan2,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  and_,
  or_,
  unless,
};
std::string_view name(BinaryOp op);
constexpr bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::eq && op <= BinaryOp::ge;
}
constexpr bool is_set_operator(BinaryOp op) {
  return op >= BinaryOp::and_;
}

enum class Cardinality : std::uint8_t { one_to_one, many_to_one, one_to_many, many_to_many };

struct VectorMatching {
  Cardinality cardinality = Cardinality::one_to_one;
  bool on = false;                   ///< on(labels) rather than ignoring(labels)
  std::vector<std::string> labels;   ///< of on or ignoring
  std::vector<std::string> include;  ///< of group_left or group_right
};

struct Binary {
  BinaryOp op = BinaryOp::add;
  ExprPtr left, right;
  bool return_bool = false;
  /// Only between two vectors.
  std::optional<VectorMatching> matching;
};

enum class AggregateOp : std::uint8_t {
  sum,
  avg,
  count,
  min,
  max,
  group,
  stddev,
  stdvar,
  topk,
  bottomk,
  count_values,
  quantile,
};
std::string_view name(AggregateOp op);

struct Aggregate {
  AggregateOp op = AggregateOp::sum;
  ExprPtr expr;
  ExprPtr parameter;  ///< of topk, bottomk, count_values and quantile; null elsewhere
  bool without = false;
  std::vector<std::string> grouping;
};

struct Call {
  const Function* function = nullptr;  ///< static lifetime
  std::vector<ExprPtr> arguments;
};

struct Expr {
  using Node = std::variant<Number, String, VectorSelector, MatrixSelector, Subquery, Paren, Unary, Binary,
                            Aggregate, Call>;
  Span span;
  ValueType type = ValueType::scalar;
  Node node;
  std::uint32_t height = 1;  ///< levels of nodes, this one included; at most kMaxDepth (parser.hpp)
};

}  // namespace qw::promql
