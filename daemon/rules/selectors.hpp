#pragma once
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/pattern.hpp"
#include "daemon/promql/ast.hpp"
#include "daemon/promql/functions.hpp"

/// What a rule's expression asks of the store.
namespace qw::rules {

/// One selector of an expression, ready to be asked what it can match.
class RuleSelector {
 public:
  explicit RuleSelector(const promql::VectorSelector& selector) : RuleSelector(selector.matchers) {}
  explicit RuleSelector(std::span<const store::Matcher> matchers);

  /// The metric name that every match has; empty when the matchers do not fix it.
  const std::string& name() const { return name_; }
  bool can_match_name(std::string_view metric) const;
  /// Whether a series of this target, with labels system and target, can match.
  bool can_match_target(std::string_view system, std::string_view target) const;
  bool matches(const Labels& labels) const;
  const std::vector<store::Matcher>& matchers() const { return matchers_; }
  promql::Span span;

 private:
  bool can_match(std::string_view label, std::string_view value) const;
  bool holds(std::size_t matcher, std::string_view value) const;

  std::string name_;
  std::vector<store::Matcher> matchers_;
  std::vector<std::optional<Pattern>> patterns_;  ///< one a matcher; nothing where it has none
};

std::vector<RuleSelector> selectors_of(const promql::Expr& expr);

/// Whether the expression asks for absence or for failed rounds itself: absent(), absent_over_time(), or a
/// selector of probe_success or up.
bool asks_for_absence(const promql::Expr& expr);

/// The longest that the expression looks back by ranges, subqueries and offsets, lookback not included.
promql::Millis longest_range(const promql::Expr& expr);

/// Whether the expression reads series that rules write (ALERTS, or the given recorded names).
bool reads_any(const promql::Expr& expr, const std::set<std::string, std::less<>>& names);

}  // namespace qw::rules
