#include <utility>

#include "daemon/base/pattern.hpp"
#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

Row with_label(Evaluation& evaluation, const Row& row, const std::string& name, const std::string& value) {
  Row made = evaluation.rows().set(row, name, value);
  if (name == "__name__") made.drop_name = false;
  return made;
}

Result<Table> relabelled(Evaluation& evaluation, Table table) {
  table.distinct = false;
  auto settled = evaluation.settle(table);
  if (!settled) return std::unexpected(settled.error());
  return table;
}

}  // namespace

Result<Table> label_replace(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const std::string& to = text_of(*call.arguments[1]);
  const std::string& replacement = text_of(*call.arguments[2]);
  const std::string& from = text_of(*call.arguments[3]);
  const std::string& regex = text_of(*call.arguments[4]);
  const auto pattern = Pattern::compile(regex);
  if (!pattern) return fail(ErrorKind::rejected, "invalid regular expression in label_replace(): " + regex);
  if (!is_label_name_for(evaluation, to)) {
    return fail(ErrorKind::rejected, "invalid destination label name in label_replace(): " + to);
  }
  auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return table;
  for (Row& row : table->rows) {
    const auto value = pattern->expand(get(row, from), replacement);
    if (value) row = with_label(evaluation, row, to, *value);
  }
  return relabelled(evaluation, std::move(*table));
}

Result<Table> label_join(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const std::string& to = text_of(*call.arguments[1]);
  const std::string& separator = text_of(*call.arguments[2]);
  std::vector<std::string> from;
  for (std::size_t i = 3; i < call.arguments.size(); ++i) {
    from.push_back(text_of(*call.arguments[i]));
    if (!is_label_name_for(evaluation, from.back())) {
      return fail(ErrorKind::rejected, "invalid source label name in label_join(): " + from.back());
    }
  }
  if (!is_label_name_for(evaluation, to)) {
    return fail(ErrorKind::rejected, "invalid destination label name in label_join(): " + to);
  }
  auto table = evaluation.vector(*call.arguments[0], grid);
  if (!table) return table;
  for (Row& row : table->rows) {
    std::string value;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (i > 0) value += separator;
      value += get(row, from[i]);
    }
    row = with_label(evaluation, row, to, value);
  }
  return relabelled(evaluation, std::move(*table));
}

}  // namespace qw::promql
