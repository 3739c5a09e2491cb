#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/promql/evaluator.hpp"
#include "daemon/promql/functions.hpp"
#include "daemon/promql/table.hpp"

/// The evaluator's inside. Every node is evaluated at all instants of a grid at once, as in Prometheus, so
/// that labels are looked at once a series and not once a step.
namespace qw::promql {

/// One number an instant.
using Column = std::vector<double>;

/// Range vectors at all instants of a grid: the points of each series, out of which each instant looks at a
/// window.
struct Ranges {
  std::vector<Row> rows;
  std::vector<std::span<const Point>> points;  ///< for each row, without stale markers
  Millis range = 0;
  Millis offset = 0;
  std::optional<Millis> at;  ///< of `@`; the offset is taken from it
  bool distinct = false;     ///< as in Table
  HeldSamples held;

  /// Where the window of the grid's instant ends.
  Millis end(Millis instant) const { return at.value_or(instant) - offset; }
};

/// The interval that a selector or a subquery covers.
struct Interval {
  Millis from = 0;
  Millis to = 0;
};

/// What depends on times alone, for the evaluator, for Prefetched and for reach().
class Clockwork {
 public:
  Clockwork(Times times, const Options& options) : times_(times), closed_(options.closed_ranges) {}

  /// The time that `@` names.
  std::optional<Millis> resolve(const std::optional<At>& at) const;
  /// The closed interval of points that is needed; `back` is the range or the lookback.
  Interval interval(const VectorSelector& selector, Millis back, const Grid& grid) const;
  /// The instants of a subquery; nothing when there are none.
  std::optional<Grid> grid_of(const Subquery& subquery, Millis default_step, const Grid& grid) const;
  /// The first instant that is inside a window of `range` that ends at `end`.
  Millis first_inside(Millis end, Millis range) const { return closed_ ? end - range : end - range + 1; }

 private:
  Times times_;
  bool closed_;
};

/// With only one instant to look at, the newest point of each series is enough.
Source::Need need_of(const VectorSelector& selector, const Grid& grid);

/// Whether the value is the same at all instants, so that one evaluation is enough.
bool is_step_invariant(const Expr& expr);
/// The expression inside all parentheses.
const Expr& unwrapped(const Expr& expr);

class Evaluation {
 public:
  Evaluation(const Source& source, Times times, const Options& options);

  Result<Table> vector(const Expr& expr, const Grid& grid);
  Result<Column> scalar(const Expr& expr, const Grid& grid);
  Result<Ranges> ranges(const Expr& expr, const Grid& grid);
  /// timestamp() of a selector: the times of its samples rather than their values.
  Result<Table> timestamps(const VectorSelector& selector, const Grid& grid);
  /// What names the windows: those of a selector or of a subquery at the query's only instant.
  Result<Matrix> matrix(const Expr& expr);
  Result<Vector> instant_vector(const Expr& expr);
  Result<Matrix> range_matrix(const Expr& expr);
  Result<Scalar> instant_scalar(const Expr& expr);
  std::vector<Annotation> take_annotations() { return std::move(annotations_); }

  const Options& options() const { return options_; }
  /// Prometheus 2.x in all that differs.
  bool legacy() const { return options_.closed_ranges; }
  RowSpace& rows() { return rows_; }
  Grid query_grid() const;

  void warn(const std::string& text, Span span) { note(Annotation::Kind::warning, text, span); }
  void inform(const std::string& text, Span span) { note(Annotation::Kind::info, text, span); }
  /// A table with no rows yet.
  Table table(const Grid& grid) const;
  /// Counts samples as held, or fails because they are too many.
  Result<HeldSamples> hold(std::size_t samples);
  Result<void> hold(Table& table);
  /// Asked in every loop over series, with the samples that it is about to look at: fails when the time is
  /// over.
  Result<void> in_time(std::size_t samples = 1);

  Row drop_name(Row row);
  void drop_names(Table& table);
  /// After labels have changed: equal rows become one, or the error of Prometheus.
  Result<void> settle(Table& table) const;

 private:
  Result<Table> vector_node(const Expr& expr, const Grid& grid);
  Result<Table> select(const VectorSelector& selector, const Grid& grid, bool timestamps);
  Result<Ranges> select_ranges(const MatrixSelector& selector, const Grid& grid);
  Result<Ranges> subquery_ranges(const Subquery& subquery, const Grid& grid);
  void add_without_stale(Ranges& ranges, std::span<const Point> points);
  Result<Table> finish(Result<Table> table);
  void note(Annotation::Kind kind, const std::string& text, Span span);
  bool is_invariant(const Expr& expr);

  const Source& source_;
  Options options_;
  Times times_;
  Clockwork clockwork_;
  RowSpace rows_;
  SampleCount samples_;
  std::vector<Source::Selection> selections_;  ///< rows and ranges point into them
  std::deque<std::vector<Point>> points_;      ///< those that are not as they were selected
  std::vector<Annotation> annotations_;
  std::unordered_map<const Expr*, bool> invariant_;
  std::size_t until_asked_ = 0;  ///< samples until options_.expired is asked again
};

/// Each kind of node; they call the evaluation for what is below them.
Result<Table> binary_vector(Evaluation& evaluation, const Binary& node, const Grid& grid);
double binary_number(BinaryOp op, double left, double right);
bool compare(BinaryOp op, double left, double right);
/// Whether what comes out is another quantity, which loses the name. 2.x forgot atan2.
bool changes_name(BinaryOp op, bool legacy);
Result<Table> match_vectors(Evaluation& evaluation, const Binary& node, Table left, Table right);
Result<Table> combine_sets(Evaluation& evaluation, const Binary& node, Table left, Table right);

Result<Table> aggregate(Evaluation& evaluation, const Aggregate& node, const Grid& grid);
Result<Table> take_k(Evaluation& evaluation, const Aggregate& node, const Column& parameter, Table input);
Result<Table> count_values(Evaluation& evaluation, const Aggregate& node, Table input);

Result<Table> call_vector(Evaluation& evaluation, const Expr& expr, const Call& call, const Grid& grid);
Result<Column> call_scalar(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> call_range_function(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> call_histogram_quantile(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> call_histogram_fraction(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> label_replace(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> label_join(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> absent_function(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> absent_over_time(Evaluation& evaluation, const Call& call, const Grid& grid);
Result<Table> sort_function(Evaluation& evaluation, const Expr& expr, const Call& call, const Grid& grid);
/// A function of one number, by its id; null when it is not one.
double (*number_function(FunctionId id))(double);
/// year(), hour() and so on, of seconds since the epoch; null when it is not one.
double (*date_function(FunctionId id))(double);

/// The labels that a selector says every match has: those of absent().
Labels absence_labels(const VectorSelector& selector);
/// The annotation for a quantile outside of [0, 1].
void warn_of_quantile(Evaluation& evaluation, double q, Span span);

/// The quantile of numbers, which are sorted for it. NaN counts as the smallest.
double quantile(double q, std::span<double> values);
/// As Go prints text with %q.
std::string go_quoted(std::string_view text);
/// Whether 3.x (any UTF-8) or 2.x takes it as the name of a label.
bool is_label_name_for(const Evaluation& evaluation, std::string_view name);
/// The text of a string argument.
const std::string& text_of(const Expr& expr);

}  // namespace qw::promql
