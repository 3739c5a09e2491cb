#include <set>
#include <string_view>
#include <utility>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {

Labels absence_labels(const VectorSelector& selector) {
  Labels labels;
  std::set<std::string_view> seen;
  for (const auto& matcher : selector.matchers) {
    if (matcher.label == "__name__") continue;
    // A label with two matchers has no value that is sure; an empty one takes it out.
    const bool sure = matcher.type == store::MatchType::equal && !seen.contains(matcher.label);
    labels.set(matcher.label, sure ? std::string_view(matcher.value) : std::string_view());
    if (sure) seen.insert(matcher.label);
  }
  return labels;
}

Result<Table> absent_function(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const auto input = evaluation.vector(*call.arguments[0], grid);
  if (!input) return std::unexpected(input.error());
  Table out = evaluation.table(grid);
  out.distinct = true;
  const auto* const selector = std::get_if<VectorSelector>(&unwrapped(*call.arguments[0]).node);
  out.add(selector ? evaluation.rows().make(absence_labels(*selector)) : evaluation.rows().empty(), 1);
  for (std::size_t row = 0; row < input->rows.size(); ++row) {
    const auto cells = input->cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_absent(cells[i])) out.cells[i] = kAbsent;
    }
  }
  compact(out);
  return out;
}

}  // namespace qw::promql
