#pragma once
#include "daemon/promql/ast.hpp"

namespace qw::promql {

/// Whether two expressions are the same but for where they stand in their texts and the order of matchers,
/// which printing sorts.
bool same_tree(const Expr& a, const Expr& b);

}  // namespace qw::promql
