#pragma once
#include <string>

#include "daemon/promql/ast.hpp"

namespace qw::promql {

/// One line, as Prometheus prints it; parsing it gives the same tree.
std::string print(const Expr& expr);
/// The label set as in `up{job="x"}`; without a name `{job="x"}`.
std::string print(const Labels& labels);
/// A sample's value as Prometheus prints it (Go's %v of a float64): "1e+06", "+Inf", "NaN".
std::string print_value(double value);

}  // namespace qw::promql
