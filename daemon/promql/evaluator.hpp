#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/promql/ast.hpp"
#include "daemon/promql/source.hpp"
#include "daemon/promql/value.hpp"

namespace qw::promql {

/// How expressions are evaluated; the defaults are Prometheus 3's.
struct Options {
  Millis lookback = 300'000;
  /// Prometheus 2.x: ranges and lookback include their left end, and holt_winters is known.
  bool closed_ranges = false;
  Millis default_step = 60'000;  ///< of subqueries that name none
  /// Prometheus' feature of that name: labels are matched and grouped with the metric name that an operation
  /// takes away, and it goes at the very end.
  bool delayed_name_removal = false;
  /// More samples than this at one time are refused, as in Prometheus.
  std::size_t max_samples = 50'000'000;
  /// Asked now and then; true ends the evaluation with ErrorKind::timeout. Empty: never.
  std::function<bool()> expired;
};

/// Instants start, start + step, ... up to end. An instant query has start == end.
struct Times {
  Millis start = 0;
  Millis end = 0;
  Millis step = 0;
};

/// What is odd about a result but no error ("metric might not be a counter").
struct Annotation {
  enum class Kind : std::uint8_t { warning, info } kind = Kind::warning;
  std::string text;  ///< as Prometheus words it, from "PromQL warning: " on, without the position
  Span span;         ///< which part of the expression it is about
};

struct Answer {
  Value value;  ///< of an instant query as the expression's type says; of a range query always a Matrix
  std::vector<Annotation> annotations;
};

/// What an expression asks its source for.
struct Ask {
  std::vector<store::Matcher> matchers;
  Millis from = 0;
  Millis to = 0;
  Source::Need need = Source::Need::all;
};
std::vector<Ask> asks_of(const Expr& expr, Times times, const Options& options);

/// The samples that an expression needs, taken out of a source: evaluating over it touches nothing else, so
/// that a worker can do it.
class Prefetched final : public Source {
 public:
  Prefetched(const Expr& expr, const Source& source, Times times, const Options& options);
  std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from, Millis to) const override;
  Selection fetch(std::span<const store::Matcher> matchers, Millis from, Millis to, Need need) const override;
  std::size_t points() const;  ///< to tell what is small enough for the loop

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Pure. Errors are the evaluation's ("many-to-many matching not allowed", too many samples), in Prometheus'
/// words where it has some; ErrorKind::rejected unless it is too_large or timeout.
Result<Answer> evaluate(const Expr& expr, const Source& source, Millis at, const Options& options);
Result<Answer> evaluate_range(const Expr& expr, const Source& source, Times times, const Options& options);

/// How far back of the evaluation the expression looks, lookback included: what the store must keep for it. A
/// fixed `@` time has no such bound and does not count.
Millis reach(const Expr& expr, const Options& options);

}  // namespace qw::promql
