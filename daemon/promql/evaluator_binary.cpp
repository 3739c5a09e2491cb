#include <cmath>
#include <utility>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {

bool compare(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::eq:
      return left == right;
    case BinaryOp::ne:
      return left != right;
    case BinaryOp::lt:
      return left < right;
    case BinaryOp::le:
      return left <= right;
    case BinaryOp::gt:
      return left > right;
    default:
      return left >= right;
  }
}

double binary_number(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::add:
      return left + right;
    case BinaryOp::sub:
      return left - right;
    case BinaryOp::mul:
      return left * right;
    case BinaryOp::div:
      return left / right;
    case BinaryOp::mod:
      return std::fmod(left, right);
    case BinaryOp::pow:
      return std::pow(left, right);
    case BinaryOp::atan2:
      return std::atan2(left, right);
    default:
      return compare(op, left, right) ? 1 : 0;
  }
}

bool changes_name(BinaryOp op, bool legacy) {
  return !is_comparison(op) && !(legacy && op == BinaryOp::atan2);
}

namespace {

/// A vector on one side, a number an instant on the other.
Result<Table> with_number(Evaluation& evaluation, const Binary& node, Table table, const Column& numbers,
                          bool number_left) {
  const bool filters = is_comparison(node.op) && !node.return_bool;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto cells = table.cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (is_absent(cells[i])) continue;
      const double left = number_left ? numbers[i] : cells[i];
      const double right = number_left ? cells[i] : numbers[i];
      if (!filters) {
        cells[i] = binary_number(node.op, left, right);
      } else if (!compare(node.op, left, right)) {
        cells[i] = kAbsent;
      }
    }
  }
  if (filters) {
    compact(table);
    return table;
  }
  if (node.return_bool || changes_name(node.op, evaluation.legacy())) evaluation.drop_names(table);
  auto settled = evaluation.settle(table);
  if (!settled) return std::unexpected(settled.error());
  return table;
}

}  // namespace

Result<Table> binary_vector(Evaluation& evaluation, const Binary& node, const Grid& grid) {
  const bool number_left = node.left->type == ValueType::scalar;
  if (number_left || node.right->type == ValueType::scalar) {
    const auto numbers = evaluation.scalar(number_left ? *node.left : *node.right, grid);
    if (!numbers) return std::unexpected(numbers.error());
    auto table = evaluation.vector(number_left ? *node.right : *node.left, grid);
    if (!table) return table;
    return with_number(evaluation, node, std::move(*table), *numbers, number_left);
  }
  auto left = evaluation.vector(*node.left, grid);
  if (!left) return left;
  auto right = evaluation.vector(*node.right, grid);
  if (!right) return right;
  return is_set_operator(node.op) ? combine_sets(evaluation, node, std::move(*left), std::move(*right))
                                  : match_vectors(evaluation, node, std::move(*left), std::move(*right));
}

}  // namespace qw::promql
