#include <algorithm>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

/// Functions that look at the time of the evaluation, or at the time of their samples.
bool looks_at_time(FunctionId id) {
  switch (id) {
    case FunctionId::day_of_month:
    case FunctionId::day_of_week:
    case FunctionId::day_of_year:
    case FunctionId::days_in_month:
    case FunctionId::hour:
    case FunctionId::minute:
    case FunctionId::month:
    case FunctionId::predict_linear:
    case FunctionId::time:
    case FunctionId::timestamp:
    case FunctionId::year:
      return true;
    default:
      return false;
  }
}

struct IsInvariant {
  bool operator()(const Number& /*node*/) const { return true; }
  bool operator()(const String& /*node*/) const { return true; }
  bool operator()(const VectorSelector& node) const { return node.at.has_value(); }
  bool operator()(const MatrixSelector& node) const { return node.selector.at.has_value(); }
  bool operator()(const Subquery& node) const { return node.at.has_value(); }
  bool operator()(const Paren& node) const { return is_step_invariant(*node.expr); }
  bool operator()(const Unary& node) const { return is_step_invariant(*node.expr); }
  bool operator()(const Binary& node) const {
    return is_step_invariant(*node.left) && is_step_invariant(*node.right);
  }
  /// Prometheus does not ask for the parameter either: with a fixed input that of the first step holds.
  bool operator()(const Aggregate& node) const { return is_step_invariant(*node.expr); }
  bool operator()(const Call& node) const {
    if (node.function->id == FunctionId::timestamp) {
      // The time of a sample that is fixed is fixed; the time of what is computed from it is not.
      const auto* const selector = std::get_if<VectorSelector>(&unwrapped(*node.arguments[0]).node);
      return selector && selector->at;
    }
    return !looks_at_time(node.function->id) &&
           std::ranges::all_of(node.arguments, [](const ExprPtr& one) { return is_step_invariant(*one); });
  }
};

}  // namespace

bool is_step_invariant(const Expr& expr) {
  return std::visit(IsInvariant(), expr.node);
}

const Expr& unwrapped(const Expr& expr) {
  const Expr* inner = &expr;
  while (const auto* const paren = std::get_if<Paren>(&inner->node)) inner = paren->expr.get();
  return *inner;
}

}  // namespace qw::promql
