#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "daemon/promql/ast.hpp"
#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/hash_index.hpp"

namespace qw::promql {

/// Which rows an aggregation puts together.
class Grouping {
 public:
  Grouping(Evaluation& evaluation, const Aggregate& node, const Table& input);

  std::vector<Row> rows;            ///< the labels of each group, in the order in which they come first
  std::vector<std::size_t> of_row;  ///< the group of each row of the input
  /// Whether groups differ in more than their names.
  bool distinct() const;

 private:
  static std::vector<std::string> names_of(const Aggregate& node);
  bool without_;
  LabelNames names_;
  HashIndex numbers_;
};

}  // namespace qw::promql
