#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/base/pattern.hpp"
#include "daemon/promql/functions.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser_impl.hpp"

namespace qw::promql {
namespace {

bool is_operand(ValueType type) {
  return type == ValueType::scalar || type == ValueType::vector;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// A regular expression that the parser let pass compiles.
bool matches_nothing(const store::Matcher& matcher) {
  switch (matcher.type) {
    case store::MatchType::equal:
      return matcher.value.empty();
    case store::MatchType::not_equal:
      return !matcher.value.empty();
    case store::MatchType::regex:
    case store::MatchType::not_regex:
      break;
  }
  const auto pattern = Pattern::compile(matcher.value);
  return pattern && pattern->matches("") == (matcher.type == store::MatchType::regex);
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  /// Parts first, so that the innermost mistake is the one that is told.
  void visit(Expr& expr) {
    std::visit([&](auto& node) { check(node, expr.span); }, expr.node);
  }
  std::optional<ParseError> take_error() { return std::move(error_); }

 private:
  void fail(Span span, std::string message) {
    if (!error_) error_ = ParseError{.span = span, .message = std::move(message)};
  }
  void expect(Expr& expr, ValueType wanted, std::string_view context) {
    visit(expr);
    if (expr.type != wanted)
      fail(expr.span, fmt::format("expected type {} in {}, got {}", name(wanted), context, name(expr.type)));
  }

  void check(Number& /*node*/, Span /*span*/) {}
  void check(String& /*node*/, Span /*span*/) {}
  void check(Paren& node, Span /*span*/) { visit(*node.expr); }
  void check(MatrixSelector& node, Span span) { check(node.selector, span); }

  void check(VectorSelector& node, Span span) {
    if (!node.name.empty()) {
      for (const auto& matcher : std::span(node.matchers).first(node.matchers.size() - 1)) {
        if (matcher.label != "__name__") continue;
        fail(span, fmt::format("metric name must not be set twice: {} or {}", quote(node.name),
                               quote(matcher.value)));
      }
      return;
    }
    if (std::ranges::all_of(node.matchers, matches_nothing))
      fail(span, "vector selector must contain at least one non-empty matcher");
  }

  void check(Subquery& node, Span span) {
    visit(*node.expr);
    if (node.expr->type != ValueType::vector)
      fail(span, fmt::format("subquery is only allowed on instant vector, got {} instead",
                             short_name(node.expr->type)));
  }

  void check(Unary& node, Span span) {
    visit(*node.expr);
    if (!is_operand(node.expr->type))
      fail(span, fmt::format(
                     "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                     quote(name(node.expr->type))));
  }

  void check(Aggregate& node, Span /*span*/) {
    expect(*node.expr, ValueType::vector, "aggregation expression");
    if (!node.parameter) return;
    const bool label = node.op == AggregateOp::count_values;
    expect(*node.parameter, label ? ValueType::string : ValueType::scalar, "aggregation parameter");
  }

  void check(Call& node, Span span) {
    const auto& function = *node.function;
    const auto given = node.arguments.size();
    const auto known = function.arguments.size();
    const auto least = function.optional == 0 ? known : known - 1;
    const auto called = quote(function.name);
    if (function.optional == 0 && given != known) {
      fail(span, fmt::format("expected {} argument(s) in call to {}, got {}", known, called, given));
    } else if (given < least) {
      fail(span, fmt::format("expected at least {} argument(s) in call to {}, got {}", least, called, given));
    } else if (function.optional > 0 && given > least + static_cast<std::size_t>(function.optional)) {
      fail(span, fmt::format("expected at most {} argument(s) in call to {}, got {}",
                             least + static_cast<std::size_t>(function.optional), called, given));
    }
    if (error_) return;
    for (std::size_t i = 0; i < given; ++i)
      expect(*node.arguments[i], function.arguments[std::min(i, known - 1)], "call to function " + called);
  }

  void check(Binary& node, Span span) {
    visit(*node.left);
    visit(*node.right);
    const auto left = node.left->type;
    const auto right = node.right->type;
    if (node.return_bool && !is_comparison(node.op))
      fail(between(node), "bool modifier can only be used on comparison operators");
    if (is_comparison(node.op) && !node.return_bool && left == ValueType::scalar &&
        right == ValueType::scalar)
      fail(between(node), "comparisons between scalars must use BOOL modifier");
    for (const auto& label : node.matching->labels) {
      if (node.matching->on &&
          std::ranges::find(node.matching->include, label) != node.matching->include.end())
        fail(between(node),
             fmt::format("label {} must not occur in ON and GROUP clause at once", quote(label)));
    }
    for (const auto* const side : {node.left.get(), node.right.get()}) {
      if (!is_operand(side->type))
        fail(side->span, "binary expression must contain only scalar and instant vector types");
    }
    check_matching(node, span, left == ValueType::vector && right == ValueType::vector);
    if (is_set_operator(node.op) && (left == ValueType::scalar || right == ValueType::scalar))
      fail(span,
           fmt::format("set operator {} not allowed in binary scalar expression", quote(name(node.op))));
  }

  void check_matching(Binary& node, Span span, bool vectors) {
    if (!vectors) {
      if (!node.matching->labels.empty()) fail(span, "vector matching only allowed between instant vectors");
      node.matching.reset();
    } else if (is_set_operator(node.op)) {
      if (node.matching->cardinality != Cardinality::one_to_one)
        fail(span, fmt::format("no grouping allowed for {} operation", quote(name(node.op))));
      node.matching->cardinality = Cardinality::many_to_many;
    }
  }

  /// Where the operator stands.
  Span between(const Binary& node) const {
    Span span{.begin = node.left->span.end, .end = node.right->span.begin};
    while (span.begin < span.end && is_blank(text_[span.begin])) ++span.begin;
    while (span.end > span.begin && is_blank(text_[span.end - 1])) --span.end;
    return span;
  }

  static std::string_view short_name(ValueType type) {
    switch (type) {
      case ValueType::vector:
        return "vector";
      case ValueType::matrix:
        return "matrix";
      case ValueType::scalar:
      case ValueType::string:
        break;
    }
    return name(type);
  }

  std::string_view text_;
  std::optional<ParseError> error_;
};

}  // namespace

std::optional<ParseError> check(Expr& expr, std::string_view text) {
  Checker checker(text);
  checker.visit(expr);
  return checker.take_error();
}

}  // namespace qw::promql
