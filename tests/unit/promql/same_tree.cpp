#include "same_tree.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

namespace qw::promql {
namespace {

bool same(const ExprPtr& a, const ExprPtr& b) {
  return !a == !b && (!a || same_tree(*a, *b));
}

bool same(const std::optional<At>& a, const std::optional<At>& b) {
  return a.has_value() == b.has_value() && (!a || (a->kind == b->kind && a->time == b->time));
}

auto sorted(const std::vector<store::Matcher>& matchers) {
  std::vector<std::tuple<std::string, store::MatchType, std::string>> all;
  for (const auto& matcher : matchers) all.emplace_back(matcher.label, matcher.type, matcher.value);
  std::ranges::sort(all);
  return all;
}

bool same(const Number& a, const Number& b) {
  return a.duration == b.duration &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}
bool same(const String& a, const String& b) {
  return a.value == b.value;
}
bool same(const VectorSelector& a, const VectorSelector& b) {
  return a.name == b.name && a.offset == b.offset && same(a.at, b.at) &&
         sorted(a.matchers) == sorted(b.matchers);
}
bool same(const MatrixSelector& a, const MatrixSelector& b) {
  return a.range == b.range && same(a.selector, b.selector);
}
bool same(const Subquery& a, const Subquery& b) {
  return same(a.expr, b.expr) && a.range == b.range && a.step == b.step && a.offset == b.offset &&
         same(a.at, b.at);
}
bool same(const Paren& a, const Paren& b) {
  return same(a.expr, b.expr);
}
bool same(const Unary& a, const Unary& b) {
  return a.minus == b.minus && same(a.expr, b.expr);
}
bool same(const Binary& a, const Binary& b) {
  if (a.matching.has_value() != b.matching.has_value()) return false;
  const bool same_matching =
      !a.matching ||
      (a.matching->cardinality == b.matching->cardinality && a.matching->on == b.matching->on &&
       a.matching->labels == b.matching->labels && a.matching->include == b.matching->include);
  return a.op == b.op && a.return_bool == b.return_bool && same_matching && same(a.left, b.left) &&
         same(a.right, b.right);
}
bool same(const Aggregate& a, const Aggregate& b) {
  return a.op == b.op && a.without == b.without && a.grouping == b.grouping && same(a.expr, b.expr) &&
         same(a.parameter, b.parameter);
}
bool same(const Call& a, const Call& b) {
  return a.function == b.function &&
         std::ranges::equal(a.arguments, b.arguments,
                            [](const auto& x, const auto& y) { return same(x, y); });
}

}  // namespace

bool same_tree(const Expr& a, const Expr& b) {
  if (a.type != b.type || a.height != b.height || a.node.index() != b.node.index()) return false;
  return std::visit([&b]<class Node>(const Node& node) { return same(node, std::get<Node>(b.node)); },
                    a.node);
}

}  // namespace qw::promql
