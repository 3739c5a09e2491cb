#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/hash_index.hpp"
#include "daemon/promql/printer.hpp"

namespace qw::promql {
namespace {

constexpr std::size_t kNone = HashIndex::kNone;

/// The labels that decide which elements belong together; elements with the same have the same number.
class Signatures {
 public:
  Signatures(const VectorMatching& matching, std::size_t expected)
      : on_(matching.on), names_(names_of(matching)), numbers_(expected) {}

  std::size_t add(const Row& row) { return numbers_.add(hash(row)); }
  std::size_t find(const Row& row) { return numbers_.find(hash(row)); }
  std::size_t size() const { return numbers_.size(); }

 private:
  static std::vector<std::string> names_of(const VectorMatching& matching) {
    auto names = matching.labels;
    if (!matching.on) names.emplace_back("__name__");
    return names;
  }
  std::uint64_t hash(const Row& row) {
    return on_ ? RowSpace::hash_of_kept(row, names_) : RowSpace::hash_of_rest(row, names_);
  }

  bool on_;
  LabelNames names_;
  HashIndex numbers_;
};

/// Two vectors joined by signature. The "one" side has at most one element a signature at any instant; the
/// "many" side may have several if the query says so.
class Matching {
 public:
  Matching(Evaluation& evaluation, const Binary& node, const Table& left, const Table& right)
      : evaluation_(evaluation),
        node_(node),
        matching_(*node.matching),
        swapped_(matching_.cardinality == Cardinality::one_to_many),
        many_(swapped_ ? right : left),
        one_(swapped_ ? left : right),
        listed_(matching_.labels),
        signatures_(matching_, one_.rows.size()),
        next_(one_.rows.size(), kNone) {
    out_.steps = left.steps;
  }

  Result<Table> run() {
    index_one_side();
    check_one_side();
    index_many_side();
    for (std::size_t row = 0; row < many_.rows.size(); ++row) {
      auto timely = evaluation_.in_time(out_.steps);
      if (!timely) return std::unexpected(timely.error());
      const auto signature = of_many_[row];
      if (signature == kNone) continue;
      for (auto other = first_[signature]; other != kNone; other = next_[other]) {
        join(row, other, signature);
      }
    }
    if (failure_) return std::unexpected(std::move(failure_->error));
    return finished();
  }

 private:
  /// Prometheus goes from instant to instant and stops at the first one where something is wrong.
  struct Failure {
    std::size_t step = 0;
    Error error;
  };
  void fail_at(std::size_t step, std::string message) {
    if (failure_ && failure_->step <= step) return;
    failure_ = Failure{.step = step, .error = Error(ErrorKind::rejected, std::move(message))};
  }

  bool one_to_one() const { return matching_.cardinality == Cardinality::one_to_one; }

  void index_one_side() {
    for (std::size_t row = 0; row < one_.rows.size(); ++row) {
      const auto signature = signatures_.add(one_.rows[row]);
      if (signature == first_.size()) {
        first_.push_back(row);
        continue;
      }
      std::size_t last = first_[signature];
      while (next_[last] != kNone) last = next_[last];
      next_[last] = row;
      shared_ = true;
    }
  }

  void index_many_side() {
    of_many_.reserve(many_.rows.size());
    std::vector<bool> seen(signatures_.size());
    for (const auto& row : many_.rows) {
      const auto signature = signatures_.find(row);
      of_many_.push_back(signature);
      if (signature == kNone) continue;
      if (seen[signature]) shared_many_ = true;
      seen[signature] = true;
    }
    if (shared_many_ && one_to_one()) matched_.assign(signatures_.size() * out_.steps, false);
  }

  bool has_many_at(std::size_t step) const {
    for (std::size_t row = 0; row < many_.rows.size(); ++row) {
      if (!is_absent(many_.cells_of(row)[step])) return true;
    }
    return false;
  }

  /// At no instant may two elements of the one side have the same signature, unless the other side is empty.
  void check_one_side() {
    if (!shared_) return;
    for (const auto first : first_) {
      for (auto a = first; a != kNone; a = next_[a]) {
        for (auto b = next_[a]; b != kNone; b = next_[b]) check_pair(a, b);
      }
    }
  }

  void check_pair(std::size_t a, std::size_t b) {
    for (std::size_t step = 0; step < out_.steps; ++step) {
      if (is_absent(one_.cells_of(a)[step]) || is_absent(one_.cells_of(b)[step]) || !has_many_at(step))
        continue;
      fail_at(step, duplicate(one_.rows[a], one_.rows[b]));
      return;
    }
  }

  std::string duplicate(const Row& before, const Row& row) {
    auto& rows = evaluation_.rows();
    const Row group = matching_.on ? rows.keep(row, listed_) : rows.without_name(rows.drop(row, listed_));
    std::string texts[] = {print(labels_of(row)), print(labels_of(before))};
    if (!evaluation_.legacy()) std::ranges::sort(texts);
    return fmt::format(
        "found duplicate series for the match group {} on the {} hand-side of the operation: "
        "[{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        print(labels_of(group)), swapped_ ? "left" : "right", texts[0], texts[1]);
  }

  Row result_row(const Row& many, const Row& one) {
    auto& rows = evaluation_.rows();
    Row row = many;
    const bool delayed = evaluation_.options().delayed_name_removal;
    if (changes_name(node_.op, evaluation_.legacy()) || (node_.return_bool && !delayed))
      row = rows.without_name(row);
    if (one_to_one()) row = matching_.on ? rows.keep(row, listed_) : rows.drop(row, listed_);
    if (!matching_.include.empty()) {
      Labels labels = labels_of(row);
      for (const auto& name : matching_.include) labels.set(name, get(one, name));
      row = rows.make(std::move(labels));
    }
    row.drop_name = node_.return_bool;
    return row;
  }

  /// The value at one instant, and whether it is kept.
  std::pair<double, bool> value(double many, double one) const {
    const double left = swapped_ ? one : many;
    const double right = swapped_ ? many : one;
    if (!is_comparison(node_.op)) return {binary_number(node_.op, left, right), true};
    const bool holds = compare(node_.op, left, right);
    if (node_.return_bool) return {holds ? 1 : 0, true};
    return {left, holds};
  }

  void join(std::size_t many, std::size_t one, std::size_t signature) {
    std::optional<std::size_t> row;
    const auto many_cells = many_.cells_of(many);
    const auto one_cells = one_.cells_of(one);
    for (std::size_t step = 0; step < out_.steps; ++step) {
      if (is_absent(many_cells[step]) || is_absent(one_cells[step])) continue;
      const auto [number, kept] = value(many_cells[step], one_cells[step]);
      // 2.x does not mind a second match where the comparison does not hold.
      if (!kept && (evaluation_.legacy() || !shared_many_)) continue;
      if (!row) row = output_row(many_.rows[many], one_.rows[one], signature);
      mark(*row, signature, step);
      if (kept) out_.cells_of(*row)[step] = number;
    }
  }

  std::size_t output_row(const Row& many, const Row& one, std::size_t signature) {
    const Row row = result_row(many, one);
    if (!shared_ && !shared_many_) {
      out_.add(row, kAbsent);
      return out_.rows.size() - 1;
    }
    const auto number = outputs_.add(row.hash + signature * 0x9e3779b97f4a7c15U);
    if (number == out_.rows.size()) out_.add(row, kAbsent);
    if (!one_to_one()) matched_.resize(out_.cells.size(), false);
    return number;
  }

  /// Remembers the match; there must be no second one at the same instant.
  void mark(std::size_t row, std::size_t signature, std::size_t step) {
    if (matched_.empty()) return;
    const auto place = (one_to_one() ? signature : row) * out_.steps + step;
    if (matched_[place]) {
      fail_at(step, one_to_one() ? "multiple matches for labels: many-to-one matching must be explicit "
                                   "(group_left/group_right)"
                                 : "multiple matches for labels: grouping labels must ensure unique matches");
    }
    matched_[place] = true;
  }

  Result<Table> finished() {
    compact(out_);
    if (one_to_one() && !shared_ && !shared_many_) {
      out_.distinct = true;  // the labels are those of the signature
    } else if (many_.distinct && matching_.include.empty() && !one_to_one() && !shared_) {
      out_.distinct = true;  // the labels are those of the many side
    }
    auto settled = evaluation_.settle(out_);
    if (!settled) return std::unexpected(settled.error());
    auto held = evaluation_.hold(out_);
    if (!held) return std::unexpected(held.error());
    return std::move(out_);
  }

  Evaluation& evaluation_;
  const Binary& node_;
  const VectorMatching& matching_;
  bool swapped_;
  const Table& many_;
  const Table& one_;
  LabelNames listed_;
  Signatures signatures_;
  std::vector<std::size_t> first_;    ///< for each signature, the first row of the one side
  std::vector<std::size_t> next_;     ///< for each row of it, the next with the same signature
  std::vector<std::size_t> of_many_;  ///< for each row of the many side, its signature
  bool shared_ = false;               ///< some rows of the one side share a signature (at different instants)
  bool shared_many_ = false;
  HashIndex outputs_{16};
  std::vector<bool> matched_;  ///< one to one: signatures times instants; else rows of `out_` times instants
  Table out_;
  std::optional<Failure> failure_;
};

/// For each signature and instant, whether the table has an element there.
std::vector<bool> presence(const Table& table, Signatures& signatures) {
  std::vector<bool> present;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto signature = signatures.add(table.rows[row]);
    if (present.size() < signatures.size() * table.steps) present.resize(signatures.size() * table.steps);
    const auto cells = table.cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_absent(cells[i])) present[signature * table.steps + i] = true;
    }
  }
  return present;
}

/// Takes out the elements whose signature is there, or those whose signature is not there.
void filter(Table& table, Signatures& signatures, const std::vector<bool>& present, bool keep_present) {
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto signature = signatures.find(table.rows[row]);
    const auto cells = table.cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool there = signature != kNone && present[signature * table.steps + i];
      if (there != keep_present) cells[i] = kAbsent;
    }
  }
  compact(table);
}

}  // namespace

Result<Table> match_vectors(Evaluation& evaluation, const Binary& node, Table left, Table right) {
  return Matching(evaluation, node, left, right).run();
}

Result<Table> combine_sets(Evaluation& evaluation, const Binary& node, Table left, Table right) {
  const Table& other = node.op == BinaryOp::or_ ? left : right;
  Signatures signatures(*node.matching, other.rows.size());
  const auto present = presence(other, signatures);
  if (node.op != BinaryOp::or_) {
    filter(left, signatures, present, node.op == BinaryOp::and_);
    return left;
  }
  filter(right, signatures, present, false);
  if (right.rows.empty()) return left;
  left.distinct = left.rows.empty() && right.distinct;
  left.rows.insert(left.rows.end(), right.rows.begin(), right.rows.end());
  left.cells.insert(left.cells.end(), right.cells.begin(), right.cells.end());
  auto held = evaluation.hold(left);
  if (!held) return std::unexpected(held.error());
  auto settled = evaluation.settle(left);
  if (!settled) return std::unexpected(settled.error());
  return left;
}

}  // namespace qw::promql
