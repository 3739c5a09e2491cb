#include <algorithm>
#include <cmath>
#include <numeric>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {

Result<Table> sort_function(Evaluation& evaluation, const Expr& expr, const Call& call, const Grid& grid) {
  auto input = evaluation.vector(*call.arguments[0], grid);
  if (!input) return input;
  if (evaluation.query_grid().count > 1) {
    evaluation.warn(
        "PromQL warning: sort is ineffective for range queries since results are always ordered by labels",
        expr.span);
  }
  if (grid.count > 1) return input;
  const bool descending = call.function->id == FunctionId::sort_desc;
  std::vector<std::size_t> order(input->rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const double x = input->cells[a];
    const double y = input->cells[b];
    if (x == y || (std::isnan(x) && std::isnan(y))) return a < b;
    if (std::isnan(x) || std::isnan(y)) return std::isnan(y);  // NaN comes last
    return descending ? x > y : x < y;
  });
  Table out = evaluation.table(grid);
  out.distinct = input->distinct;
  for (const auto i : order) out.add(input->rows[i], input->cells[i]);
  auto held = evaluation.hold(out);
  if (!held) return std::unexpected(held.error());
  return out;
}

}  // namespace qw::promql
