#pragma once
#include "daemon/promql/ast.hpp"

namespace qw::promql {

/// What upstream does to a query to see that it means the same at any time: `@ time` on every selector that
/// has none. False when the query looks at the time itself.
bool fix_times(Expr& expr, Millis time);

}  // namespace qw::promql
