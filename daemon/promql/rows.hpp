#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/promql/source.hpp"

namespace qw::promql {

/// The labels of one element while it is computed: those of a series, less some of them. So neither dropping
/// a name nor grouping copies a label.
struct Row {
  const SeriesLabels* base = nullptr;
  std::uint64_t hidden = 0;  ///< bit i: label i of `base` is not there
  std::uint64_t hash = 0;    ///< of the labels that are there
  bool drop_name = false;    ///< with delayed name removal: the name goes at the end
};

/// Names of labels, to be looked up in row after row. Rows mostly have the same labels in the same places, so
/// the last place is tried first.
class LabelNames {
 public:
  LabelNames() = default;
  explicit LabelNames(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }
  bool empty() const { return names_.empty(); }
  /// Where the name number `i` stands in `labels`, SeriesLabels::kNone when it is not there.
  std::size_t place(std::size_t i, const SeriesLabels& labels);

 private:
  std::vector<std::string> names_;  ///< sorted, each once
  std::vector<std::uint64_t> hashes_;
  std::vector<std::size_t> last_;  ///< for each name, where it was
};

/// Makes rows out of rows, and owns the label sets that are not those of a series.
class RowSpace {
 public:
  static Row of(const SeriesLabels& labels) { return {.base = &labels, .hash = labels.hash}; }
  Row empty() const { return of(nothing_); }
  Row make(Labels labels);
  Row without_name(Row row);
  Row keep(Row row, LabelNames& names);
  Row drop(Row row, LabelNames& names);
  /// With an empty value the label goes.
  Row set(const Row& row, std::string_view name, std::string_view value);

  /// The hash of keep() and of drop(), which costs less than the row.
  static std::uint64_t hash_of_kept(const Row& row, LabelNames& names);
  static std::uint64_t hash_of_rest(const Row& row, LabelNames& names);

 private:
  Row hide(Row row, std::size_t place);
  SeriesLabels nothing_{Labels()};
  std::deque<SeriesLabels> made_;
};

/// Empty when it is not there.
std::string_view get(const Row& row, std::string_view name);
std::string_view name_of(const Row& row);
bool is_there(const Row& row, std::size_t place);
Labels labels_of(const Row& row);

}  // namespace qw::promql
