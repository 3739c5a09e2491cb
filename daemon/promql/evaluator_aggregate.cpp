#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "daemon/promql/evaluation.hpp"
#include "daemon/promql/grouping.hpp"
#include "daemon/promql/kahan.hpp"

namespace qw::promql {

Grouping::Grouping(Evaluation& evaluation, const Aggregate& node, const Table& input)
    : without_(node.without), names_(names_of(node)), numbers_(16) {
  of_row.reserve(input.rows.size());
  for (const auto& row : input.rows) {
    const auto hash = without_ ? RowSpace::hash_of_rest(row, names_) : RowSpace::hash_of_kept(row, names_);
    const auto number = numbers_.add(hash);
    of_row.push_back(number);
    if (number == rows.size()) {
      rows.push_back(without_ ? evaluation.rows().drop(row, names_) : evaluation.rows().keep(row, names_));
    }
    rows[number].drop_name |= row.drop_name;
  }
}

std::vector<std::string> Grouping::names_of(const Aggregate& node) {
  auto names = node.grouping;
  if (node.without) names.emplace_back("__name__");
  return names;
}

bool Grouping::distinct() const {
  return without_ || !std::ranges::binary_search(names_.names(), "__name__");
}

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// One group at one instant, for each operator: the first value, every further one, the result.

struct Sum {
  KahanSum state;
  void start(double value) { state.sum = value; }
  void add(double value) { state.add(value); }
  double result() const { return state.total(); }
};

/// As 2.x adds.
struct PlainSum {
  double sum = 0;
  void start(double value) { sum = value; }
  void add(double value) { sum += value; }
  double result() const { return sum; }
};

struct Average {
  KahanMean state;
  void start(double value) { state.add(value); }
  void add(double value) { state.add(value); }
  double result() const { return state.mean(); }
};

struct PlainAverage {
  double mean = 0;
  double count = 1;
  void start(double value) { mean = value; }
  void add(double value) {
    ++count;
    if (!keeps_infinite_mean(mean, value)) mean += value / count - mean / count;
  }
  double result() const { return mean; }
};

struct Count {
  double count = 1;
  void start(double /*value*/) {}
  void add(double /*value*/) { ++count; }
  double result() const { return count; }
};

struct Greatest {
  double value = 0;
  void start(double first) { value = first; }
  void add(double next) {
    if (value < next || std::isnan(value)) value = next;
  }
  double result() const { return value; }
};

struct Least {
  double value = 0;
  void start(double first) { value = first; }
  void add(double next) {
    if (value > next || std::isnan(value)) value = next;
  }
  double result() const { return value; }
};

struct One {
  void start(double /*value*/) {}
  void add(double /*value*/) {}
  double result() const { return 1; }
};

struct PlainVariance {
  double mean = 0;
  double squares = 0;
  double count = 1;
  void start(double value) { mean = value; }
  void add(double value) {
    ++count;
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  double result() const { return squares / count; }
};

/// Since 3.0 a single value that is no finite number has no variance.
struct Variance : PlainVariance {
  void start(double value) {
    mean = value;
    if (!std::isfinite(value)) squares = kNaN;
  }
};

template <class Base>
struct Deviation : Base {
  double result() const { return std::sqrt(Base::result()); }
};

template <class State>
Table fold(const Table& input, const Grouping& grouping, Table out) {
  std::vector<State> states(grouping.rows.size() * out.steps);
  std::vector<char> seen(states.size(), 0);
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    const auto cells = input.cells_of(row);
    const auto first = grouping.of_row[row] * out.steps;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (is_absent(cells[i])) continue;
      if (seen[first + i]) {
        states[first + i].add(cells[i]);
      } else {
        states[first + i].start(cells[i]);
        seen[first + i] = 1;
      }
    }
  }
  out.rows = grouping.rows;
  out.cells.resize(states.size());
  for (std::size_t i = 0; i < states.size(); ++i) out.cells[i] = seen[i] ? states[i].result() : kAbsent;
  return out;
}

Table quantiles(const Table& input, const Grouping& grouping, const Column& parameter, Table out) {
  std::vector<std::vector<double>> values(grouping.rows.size() * out.steps);
  for (std::size_t row = 0; row < input.rows.size(); ++row) {
    const auto cells = input.cells_of(row);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_absent(cells[i])) values[grouping.of_row[row] * out.steps + i].push_back(cells[i]);
    }
  }
  out.rows = grouping.rows;
  out.cells.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    out.cells[i] = values[i].empty() ? kAbsent : quantile(parameter[i % out.steps], values[i]);
  }
  return out;
}

Table folded(AggregateOp op, bool legacy, const Table& input, const Grouping& grouping, Table out) {
  switch (op) {
    case AggregateOp::sum:
      return legacy ? fold<PlainSum>(input, grouping, std::move(out))
                    : fold<Sum>(input, grouping, std::move(out));
    case AggregateOp::avg:
      return legacy ? fold<PlainAverage>(input, grouping, std::move(out))
                    : fold<Average>(input, grouping, std::move(out));
    case AggregateOp::count:
      return fold<Count>(input, grouping, std::move(out));
    case AggregateOp::max:
      return fold<Greatest>(input, grouping, std::move(out));
    case AggregateOp::min:
      return fold<Least>(input, grouping, std::move(out));
    case AggregateOp::stddev:
      return legacy ? fold<Deviation<PlainVariance>>(input, grouping, std::move(out))
                    : fold<Deviation<Variance>>(input, grouping, std::move(out));
    case AggregateOp::stdvar:
      return legacy ? fold<PlainVariance>(input, grouping, std::move(out))
                    : fold<Variance>(input, grouping, std::move(out));
    default:
      return fold<One>(input, grouping, std::move(out));
  }
}

}  // namespace

Result<Table> aggregate(Evaluation& evaluation, const Aggregate& node, const Grid& grid) {
  Column parameter;
  if (node.parameter && node.op != AggregateOp::count_values) {
    auto column = evaluation.scalar(*node.parameter, grid);
    if (!column) return std::unexpected(column.error());
    parameter = std::move(*column);
  }
  if (node.op == AggregateOp::count_values && !is_label_name_for(evaluation, text_of(*node.parameter))) {
    return fail(ErrorKind::rejected, "invalid label name " + go_quoted(text_of(*node.parameter)));
  }
  auto input = evaluation.vector(*node.expr, grid);
  if (!input) return input;
  if (node.op == AggregateOp::topk || node.op == AggregateOp::bottomk) {
    return take_k(evaluation, node, parameter, std::move(*input));
  }
  if (node.op == AggregateOp::count_values) return count_values(evaluation, node, std::move(*input));

  const Grouping grouping(evaluation, node, *input);
  Table out = evaluation.table(grid);
  auto held = evaluation.hold(grouping.rows.size() * grid.count);
  if (!held) return std::unexpected(held.error());
  if (node.op == AggregateOp::quantile) {
    for (const double q : parameter) warn_of_quantile(evaluation, q, node.parameter->span);
    out = quantiles(*input, grouping, parameter, std::move(out));
  } else {
    out = folded(node.op, evaluation.legacy(), *input, grouping, std::move(out));
  }
  out.held = std::move(*held);
  out.distinct = grouping.distinct();
  compact(out);
  return out;
}

}  // namespace qw::promql
