#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/promql/classic_histogram.hpp"
#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/hash_index.hpp"

namespace qw::promql {
namespace {

/// The buckets of one histogram: rows of the input, in the order of their bounds.
struct Histogram {
  Row row;
  std::string_view name;
  std::vector<std::pair<double, std::size_t>> buckets;
};

std::string for_metric(std::string_view name) {
  return name.empty() ? "" : " for metric name " + go_quoted(name);
}

std::vector<Histogram> histograms_of(Evaluation& evaluation, const Table& input, Span span) {
  std::vector<Histogram> out;
  HashIndex numbers(16);
  LabelNames le({"le"});
  const bool delayed = evaluation.options().delayed_name_removal;
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    const auto text = get(input.rows[row], "le");
    const auto bound = bucket_bound(text);
    if (!bound) {
      evaluation.warn("PromQL warning: bucket label \"le\" is missing or has a malformed value of " +
                          go_quoted(text) + for_metric(delayed ? name_of(input.rows[row]) : ""),
                      span);
      continue;
    }
    const auto number = numbers.add(RowSpace::hash_of_rest(input.rows[row], le));
    if (number == out.size()) {
      out.push_back({.row = evaluation.drop_name(evaluation.rows().drop(input.rows[row], le)),
                     .name = delayed ? name_of(input.rows[row]) : "",
                     .buckets = {}});
    }
    out[number].buckets.emplace_back(*bound, row);
  }
  for (auto& histogram : out) {
    std::ranges::sort(histogram.buckets, [](const auto& a, const auto& b) {
      // NaN as a bound makes no sense, but there must be an order.
      if (std::isnan(a.first) || std::isnan(b.first)) return std::isnan(a.first) && !std::isnan(b.first);
      return a.first < b.first;
    });
  }
  return out;
}

/// One value a histogram and instant, out of its buckets there.
template <class Function>
Result<Table> of_histograms(Evaluation& evaluation, const Table& input, Span span, Function function) {
  Table out;
  out.steps = input.steps;
  std::vector<Bucket> buckets;
  for (const auto& histogram : histograms_of(evaluation, input, span)) {
    auto timely = evaluation.in_time();
    if (!timely) return std::unexpected(timely.error());
    out.add(histogram.row, kAbsent);
    const auto cells = out.cells_of(out.rows.size() - 1);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      buckets.clear();
      for (const auto& [bound, row] : histogram.buckets) {
        const double count = input.cells_of(row)[i];
        if (!is_absent(count)) buckets.push_back({.bound = bound, .count = count});
      }
      if (!buckets.empty()) cells[i] = function(histogram, buckets, i);
    }
  }
  compact(out);
  out.distinct = input.distinct;
  auto settled = evaluation.settle(out);
  if (!settled) return std::unexpected(settled.error());
  auto held = evaluation.hold(out);
  if (!held) return std::unexpected(held.error());
  return out;
}

}  // namespace

Result<Table> call_histogram_quantile(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const auto q = evaluation.scalar(*call.arguments[0], grid);
  if (!q) return std::unexpected(q.error());
  const auto input = evaluation.vector(*call.arguments[1], grid);
  if (!input) return std::unexpected(input.error());
  for (const double one : *q) warn_of_quantile(evaluation, one, call.arguments[0]->span);
  const Span span = call.arguments[1]->span;
  const auto quantile = [&](const Histogram& histogram, std::vector<Bucket>& buckets, std::size_t i) {
    const auto found = histogram_quantile((*q)[i], buckets, evaluation.legacy());
    if (found.fell) {
      evaluation.inform(
          "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
          "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
              for_metric(histogram.name),
          span);
    }
    return found.value;
  };
  return of_histograms(evaluation, *input, span, quantile);
}

Result<Table> call_histogram_fraction(Evaluation& evaluation, const Call& call, const Grid& grid) {
  const auto lower = evaluation.scalar(*call.arguments[0], grid);
  if (!lower) return std::unexpected(lower.error());
  const auto upper = evaluation.scalar(*call.arguments[1], grid);
  if (!upper) return std::unexpected(upper.error());
  const auto input = evaluation.vector(*call.arguments[2], grid);
  if (!input) return std::unexpected(input.error());
  // 2.x knows it of native histograms alone.
  if (evaluation.legacy()) return evaluation.table(grid);
  return of_histograms(evaluation, *input, call.arguments[2]->span,
                       [&](const Histogram& /*histogram*/, std::vector<Bucket>& buckets, std::size_t i) {
                         return histogram_fraction((*lower)[i], (*upper)[i], buckets);
                       });
}

}  // namespace qw::promql
