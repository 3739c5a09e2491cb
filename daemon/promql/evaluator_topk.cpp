#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/grouping.hpp"
#include "daemon/promql/printer.hpp"

namespace qw::promql {
namespace {

struct Item {
  double value = 0;
  std::size_t row = 0;
};

/// The best k so far, the worst of them in front. A binary heap of our own, since which of equal elements
/// goes first is to be as in Prometheus, and the standard's heaps leave that open.
class Best {
 public:
  Best(std::size_t k, bool smallest, bool legacy) : k_(k), smallest_(smallest), legacy_(legacy) {}

  void offer(Item item) {
    if (items_.size() < k_) {
      items_.push_back(item);
      rise(items_.size() - 1);
      return;
    }
    if (!better(item.value, items_[0].value)) return;
    if (legacy_ && k_ > 1) {
      // 2.x takes the worst one out and puts the new one in, which leaves equal ones in another order.
      std::swap(items_.front(), items_.back());
      items_.pop_back();
      sink(0);
      items_.push_back(item);
      rise(items_.size() - 1);
      return;
    }
    items_[0] = item;
    sink(0);
  }

  /// The best one first, NaN last.
  std::vector<Item> sorted() && {
    std::ranges::sort(items_, [this](const Item& a, const Item& b) {
      if (a.value == b.value || (std::isnan(a.value) && std::isnan(b.value))) return a.row < b.row;
      if (std::isnan(a.value) || std::isnan(b.value)) return std::isnan(b.value);
      return smallest_ ? a.value < b.value : a.value > b.value;
    });
    return std::move(items_);
  }

 private:
  bool better(double value, double than) const {
    if (std::isnan(than)) return legacy_ || !std::isnan(value);
    return smallest_ ? value < than : value > than;
  }
  /// NaN is the worst of all.
  bool worse(std::size_t a, std::size_t b) const {
    if (std::isnan(items_[a].value)) return true;
    return smallest_ ? items_[a].value > items_[b].value : items_[a].value < items_[b].value;
  }
  void rise(std::size_t at) {
    while (at > 0 && worse(at, (at - 1) / 2)) {
      std::swap(items_[at], items_[(at - 1) / 2]);
      at = (at - 1) / 2;
    }
  }
  void sink(std::size_t at) {
    for (std::size_t child = 2 * at + 1; child < items_.size(); child = 2 * at + 1) {
      if (child + 1 < items_.size() && worse(child + 1, child)) ++child;
      if (!worse(child, at)) return;
      std::swap(items_[at], items_[child]);
      at = child;
    }
  }

  std::size_t k_;
  bool smallest_;
  bool legacy_;
  std::vector<Item> items_;
};

/// The errors of Prometheus for a k that is no int64.
Result<void> check_k(const Column& parameter, bool legacy) {
  constexpr double kLimit = 9'223'372'036'854'775'808.0;
  for (const double k : parameter) {
    if (legacy && !(k >= -kLimit && k <= kLimit)) {
      return fail(ErrorKind::rejected, "Scalar value " + print_value(k) + " overflows int64");
    }
    if (legacy) continue;
    if (std::isnan(k)) return fail(ErrorKind::rejected, "Parameter value is NaN");
    if (k <= -kLimit)
      return fail(ErrorKind::rejected, "Scalar value " + print_value(k) + " underflows int64");
    if (k >= kLimit) return fail(ErrorKind::rejected, "Scalar value " + print_value(k) + " overflows int64");
  }
  return {};
}

std::vector<Best> best_of(const Table& input, const Grouping& grouping, std::size_t step, std::size_t k,
                          bool smallest, bool legacy) {
  std::vector<Best> best(grouping.rows.size(), Best(k, smallest, legacy));
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    const double cell = input.cells_of(row)[step];
    if (!is_absent(cell)) best[grouping.of_row[row]].offer({.value = cell, .row = row});
  }
  return best;
}

}  // namespace

Result<Table> take_k(Evaluation& evaluation, const Aggregate& node, const Column& parameter, Table input) {
  const bool legacy = evaluation.legacy();
  Table out;
  out.steps = input.steps;
  out.distinct = input.distinct;
  // All too small: 3.x does not look at the others.
  if (!legacy && std::ranges::all_of(parameter, [](double k) { return k < 1; })) return out;
  auto checked = check_k(parameter, legacy);
  if (!checked) return std::unexpected(checked.error());
  const Grouping grouping(evaluation, node, input);
  const bool smallest = node.op == AggregateOp::bottomk;
  if (input.steps > 1) {
    out.rows = input.rows;
    out.cells.assign(input.cells.size(), kAbsent);
  }
  for (std::size_t step = 0; step < input.steps; ++step) {
    if (parameter[step] < 1) continue;
    const auto k =
        static_cast<std::size_t>(std::min(parameter[step], static_cast<double>(input.rows.size())));
    for (auto& best : best_of(input, grouping, step, k, smallest, legacy)) {
      for (const auto& item : std::move(best).sorted()) {
        if (input.steps == 1) {
          out.add(input.rows[item.row], item.value);
        } else {
          out.cells_of(item.row)[step] = item.value;
        }
      }
    }
  }
  compact(out);
  auto held = evaluation.hold(out);
  if (!held) return std::unexpected(held.error());
  return out;
}

}  // namespace qw::promql
