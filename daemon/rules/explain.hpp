#pragma once
#include <string>

#include "daemon/base/time.hpp"
#include "daemon/promql/evaluator.hpp"
#include "daemon/rules/rule_engine.hpp"

namespace qw::rules {

/// Why an alert fires or not: its rules with the expression as a tree, the value of every node at `now`, the
/// alerts with their states and since when. Empty where no rule has that name. `offset` makes wall time of
/// the time line.
std::string explain_alert(const RuleEngine& engine, std::string_view alert, const promql::Source& source,
                          const promql::Options& options, Millis now, Nanoseconds offset);

/// One node a line, each with what it comes to below it.
std::string explain_expression(const promql::Expr& expr, const promql::Source& source,
                               const promql::Options& options, Millis at);

}  // namespace qw::rules
