#include "daemon/rules/selectors.hpp"

#include <algorithm>

namespace qw::rules {
namespace {

using promql::Expr;
using promql::Millis;
using store::MatchType;

template <class Visit>
void visit(const Expr& expr, const Visit& on) {
  on(expr);
  std::visit(
      [&on](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, promql::Subquery> || std::is_same_v<Node, promql::Paren> ||
                      std::is_same_v<Node, promql::Unary>) {
          visit(*node.expr, on);
        } else if constexpr (std::is_same_v<Node, promql::Binary>) {
          visit(*node.left, on);
          visit(*node.right, on);
        } else if constexpr (std::is_same_v<Node, promql::Aggregate>) {
          if (node.parameter) visit(*node.parameter, on);
          visit(*node.expr, on);
        } else if constexpr (std::is_same_v<Node, promql::Call>) {
          for (const auto& argument : node.arguments) visit(*argument, on);
        }
      },
      expr.node);
}

Millis range_of(const Expr& expr) {
  return std::visit(
      [](const auto& node) -> Millis {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, promql::VectorSelector>) {
          return std::max<Millis>(node.offset, 0);
        } else if constexpr (std::is_same_v<Node, promql::MatrixSelector>) {
          return node.range + std::max<Millis>(node.selector.offset, 0);
        } else if constexpr (std::is_same_v<Node, promql::Subquery>) {
          return node.range + std::max<Millis>(node.offset, 0) + range_of(*node.expr);
        } else if constexpr (std::is_same_v<Node, promql::Paren> || std::is_same_v<Node, promql::Unary>) {
          return range_of(*node.expr);
        } else if constexpr (std::is_same_v<Node, promql::Binary>) {
          return std::max(range_of(*node.left), range_of(*node.right));
        } else if constexpr (std::is_same_v<Node, promql::Aggregate>) {
          return std::max(node.parameter ? range_of(*node.parameter) : 0, range_of(*node.expr));
        } else if constexpr (std::is_same_v<Node, promql::Call>) {
          Millis longest = 0;
          for (const auto& argument : node.arguments) longest = std::max(longest, range_of(*argument));
          return longest;
        } else {
          return 0;
        }
      },
      expr.node);
}

}  // namespace

RuleSelector::RuleSelector(std::span<const store::Matcher> matchers)
    : matchers_(matchers.begin(), matchers.end()) {
  for (const auto& matcher : matchers_) {
    if (matcher.label == "__name__" && matcher.type == MatchType::equal) name_ = matcher.value;
    patterns_.emplace_back();
    if (matcher.type != MatchType::regex && matcher.type != MatchType::not_regex) continue;
    if (auto pattern = Pattern::compile(matcher.value)) patterns_.back() = std::move(*pattern);
  }
}

bool RuleSelector::holds(std::size_t matcher, std::string_view value) const {
  const auto& [label, type, wanted] = matchers_[matcher];
  switch (type) {
    case MatchType::equal:
      return value == wanted;
    case MatchType::not_equal:
      return value != wanted;
    case MatchType::regex:
    case MatchType::not_regex:
      break;
  }
  // One that RE2 refuses matches nothing, as in the store.
  const auto& pattern = patterns_[matcher];
  return pattern && pattern->matches(value) == (type == MatchType::regex);
}

bool RuleSelector::can_match(std::string_view label, std::string_view value) const {
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    if (matchers_[i].label == label && !holds(i, value)) return false;
  }
  return true;
}

bool RuleSelector::matches(const Labels& labels) const {
  for (std::size_t i = 0; i < matchers_.size(); ++i) {
    if (!holds(i, labels.get(matchers_[i].label))) return false;
  }
  return true;
}

bool RuleSelector::can_match_name(std::string_view metric) const {
  return can_match("__name__", metric);
}

bool RuleSelector::can_match_target(std::string_view system, std::string_view target) const {
  return can_match("system", system) && can_match("target", target);
}

std::vector<RuleSelector> selectors_of(const Expr& expr) {
  std::vector<RuleSelector> out;
  visit(expr, [&out](const Expr& node) {
    if (const auto* vector = std::get_if<promql::VectorSelector>(&node.node)) {
      out.emplace_back(*vector);
      out.back().span = node.span;
    }
    if (const auto* matrix = std::get_if<promql::MatrixSelector>(&node.node)) {
      out.emplace_back(matrix->selector);
      out.back().span = node.span;
    }
  });
  return out;
}

bool asks_for_absence(const Expr& expr) {
  bool asks = false;
  visit(expr, [&asks](const Expr& node) {
    const auto* call = std::get_if<promql::Call>(&node.node);
    asks = asks || (call && (call->function->id == promql::FunctionId::absent ||
                             call->function->id == promql::FunctionId::absent_over_time));
  });
  for (const auto& selector : selectors_of(expr)) {
    asks = asks || selector.name() == "up" || selector.name() == "probe_success" ||
           selector.name() == "quorumwatch_probe_success";
  }
  return asks;
}

Millis longest_range(const Expr& expr) {
  return range_of(expr);
}

bool reads_any(const Expr& expr, const std::set<std::string, std::less<>>& names) {
  for (const auto& selector : selectors_of(expr)) {
    if (!selector.name().empty()) {
      if (names.contains(selector.name())) return true;
      continue;
    }
    if (std::ranges::any_of(names, [&](const std::string& name) { return selector.can_match_name(name); })) {
      return true;
    }
  }
  return false;
}

}  // namespace qw::rules
