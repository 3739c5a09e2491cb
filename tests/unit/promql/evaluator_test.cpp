// What Prometheus' own scripts (tests/promql) do not ask: limits, sources, and what rules need.
#include "daemon/promql/evaluator.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"
#include "daemon/promql/selection_cache.hpp"
#include "daemon/promql/table.hpp"
#include "daemon/store/store.hpp"
#include "tests/promql/memory_source.hpp"

namespace qw::promql {
namespace {

using testing::HasSubstr;

constexpr Millis kMinute = 60'000;
constexpr Millis kNow = 100 * kMinute;

/// Counts what it is asked.
class CountingSource final : public Source {
 public:
  explicit CountingSource(const Source& source) : source_(source) {}
  std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from,
                             Millis to) const override {
    ++asked;
    return source_.select(matchers, from, to);
  }
  mutable int asked = 0;

 private:
  const Source& source_;
};

/// `series` of metrics a and b over the last 30 minutes, a point a minute.
MemorySource made_source(int series = 3) {
  MemorySource source;
  for (const char* const name : {"a", "b"}) {
    for (int i = 0; i < series; ++i) {
      std::vector<Point> points;
      for (Millis at = kNow - 30 * kMinute; at <= kNow; at += kMinute) {
        points.push_back({.at = at, .value = static_cast<double>(i) + static_cast<double>(at / kMinute)});
      }
      source.add({{"__name__", name}, {"i", std::to_string(i)}, {"parity", i % 2 == 0 ? "even" : "odd"}},
                 points);
    }
  }
  return source;
}

ExprPtr parsed(const std::string& text) {
  auto expr = parse(text);
  if (!expr) throw std::runtime_error(expr.error().print(text));
  return std::move(*expr);
}

std::string print_answer(const Result<Answer>& answer) {
  if (!answer) return "error: " + answer.error().message();
  std::string out;
  if (const auto* const scalar = std::get_if<Scalar>(&answer->value)) return print_value(scalar->value);
  if (const auto* const vector = std::get_if<Vector>(&answer->value)) {
    for (const auto& sample : *vector)
      out += fmt::format("{} {}; ", print(sample.labels), print_value(sample.value));
  }
  if (const auto* const matrix = std::get_if<Matrix>(&answer->value)) {
    for (const auto& series : *matrix) {
      out += print(series.labels);
      for (const auto& point : series.points)
        out += fmt::format(" {}@{}", print_value(point.value), point.at / kMinute);
      out += "; ";
    }
  }
  return out;
}

std::string instant(const std::string& text, const Source& source, const Options& options = {}) {
  return print_answer(evaluate(*parsed(text), source, kNow, options));
}

TEST(PromqlEvaluator, SaysWhatItWasAskedInPrometheusWords) {
  const auto source = made_source();
  EXPECT_EQ(
      instant("a + on(parity) b", source),
      "error: found duplicate series for the match group {parity=\"even\"} on the right hand-side of the "
      "operation: [b{i=\"0\", parity=\"even\"}, b{i=\"2\", parity=\"even\"}];many-to-many matching not "
      "allowed: "
      "matching labels must be unique on one side");
  EXPECT_EQ(instant("{__name__=~\"a|b\"} * 2", source),
            "error: vector cannot contain metrics with the same labelset");
  EXPECT_EQ(instant("topk(NaN, a)", source), "error: Parameter value is NaN");
  EXPECT_EQ(
      instant("a * on(parity) sum by (parity) (b)", source),
      "error: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
}

TEST(PromqlEvaluator, RefusesMoreSamplesThanAllowed) {
  const auto source = made_source(100);
  Options options;
  options.max_samples = 99;
  const auto refused = evaluate(*parsed("a"), source, kNow, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::too_large);
  EXPECT_EQ(refused.error().message(),
            "query processing would load too many samples into memory in query execution");
  options.max_samples = 400;
  // What is no longer needed does not count: four vectors of a hundred one after the other.
  EXPECT_EQ(instant("sum(a) + sum(b) + sum(a) + sum(b)", source, options), "{} 59800; ");
  EXPECT_THAT(instant("sum_over_time(a[10m])", source, options), HasSubstr("too many samples"));
  EXPECT_THAT(instant("sum_over_time(vector(1)[10m:1s])", source, options), HasSubstr("too many samples"));
}

TEST(PromqlEvaluator, EndsWhenTheTimeIsOver) {
  const auto source = made_source();
  Options options;
  int asked = 0;
  options.expired = [&asked] { return ++asked > 3; };
  // Some hundred thousand samples in all: it is asked more often than that.
  const auto late = evaluate(*parsed("sum_over_time(a[30m:1s])[10m:1s]"), source, kNow, options);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind(), ErrorKind::timeout);
  EXPECT_EQ(late.error().message(), "query timed out in expression evaluation");
  asked = -1'000'000;
  EXPECT_TRUE(evaluate(*parsed("sum_over_time(a[30m:1s])[10m:1s]"), source, kNow, options));
}

TEST(PromqlEvaluator, RefusesRangesThatAreNone) {
  const auto source = made_source();
  const auto range = [&](const char* text, Times times) {
    return print_answer(evaluate_range(*parsed(text), source, times, {}));
  };
  EXPECT_EQ(range("a", {.start = 0, .end = kNow, .step = 0}),
            "error: zero or negative query resolution step widths are not accepted. Try a positive integer");
  EXPECT_EQ(range("a", {.start = kNow, .end = 0, .step = 1}),
            "error: end timestamp must not be before start time");
  EXPECT_EQ(
      range("a[5m]", {.start = 0, .end = kNow, .step = kMinute}),
      "error: invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
}

TEST(PromqlEvaluator, BothEndsOfARangeDependOnTheVersion) {
  const auto source = made_source(1);
  Options closed;
  closed.closed_ranges = true;
  EXPECT_EQ(instant("count_over_time(a[5m])", source), "{i=\"0\", parity=\"even\"} 5; ");
  EXPECT_EQ(instant("count_over_time(a[5m])", source, closed), "{i=\"0\", parity=\"even\"} 6; ");
  EXPECT_EQ(instant("count_over_time(a[5m:1m])", source, closed), "{i=\"0\", parity=\"even\"} 6; ");
  // The lookback too: the last point is exactly as old.
  EXPECT_EQ(instant("a offset -5m", source), "");
  EXPECT_EQ(instant("a offset -5m", source, closed), "a{i=\"0\", parity=\"even\"} 100; ");
  EXPECT_THAT(instant("holt_winters(a[5m], 0.5, 0.5)", source),
              HasSubstr("holt_winters is a function of Prometheus 2.x"));
  EXPECT_EQ(instant("holt_winters(a[5m], 0.5, 0.5)", source, closed), "{i=\"0\", parity=\"even\"} 100; ");
}

TEST(PromqlEvaluator, AnnotationsSayWhatTheyAreAbout) {
  const auto source = made_source();
  const auto answer = evaluate(*parsed("1 + rate(a[5m])"), source, kNow, {});
  ASSERT_TRUE(answer);
  // Once, though there are three series.
  ASSERT_EQ(answer->annotations.size(), 1U);
  EXPECT_EQ(answer->annotations[0].kind, Annotation::Kind::info);
  EXPECT_EQ(
      answer->annotations[0].text,
      "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\"");
  EXPECT_EQ(answer->annotations[0].span.begin, 9U);
  EXPECT_EQ(answer->annotations[0].span.end, 14U);
}

TEST(PromqlEvaluator, NamesGoAtTheEndIfAsked) {
  const auto source = made_source(1);
  Options delayed;
  delayed.delayed_name_removal = true;
  EXPECT_EQ(instant("sum by (__name__) (rate(a[5m]))", source), "{} 0.016666666666666666; ");
  EXPECT_EQ(instant("label_replace(rate(a[5m]), \"of\", \"$1\", \"__name__\", \"(.*)\")", source, delayed),
            "{i=\"0\", of=\"a\", parity=\"even\"} 0.016666666666666666; ");
  EXPECT_EQ(instant("rate(a[5m])", source, delayed), "{i=\"0\", parity=\"even\"} 0.016666666666666666; ");
}

/// Labels beyond the 64th are copied rather than hidden; nobody should see a difference.
TEST(PromqlEvaluator, TakesSeriesWithVeryManyLabels) {
  MemorySource source;
  std::vector<Labels::Pair> pairs = {{"__name__", "wide"}, {"zz", "last"}};
  for (int i = 0; i < 80; ++i) pairs.emplace_back(fmt::format("l{:02}", i), "v");
  source.add(Labels(pairs), {{.at = kNow, .value = 7}});
  EXPECT_EQ(instant("sum by (l79, zz) (wide)", source), "{l79=\"v\", zz=\"last\"} 7; ");
  EXPECT_EQ(instant("count(count without (zz, l00, l70) (wide * 2))", source), "{} 1; ");
  EXPECT_EQ(instant("sum by (zz) (wide + ignoring (zz) wide{zz=\"last\"})", source), "{} 14; ");
  EXPECT_EQ(instant("wide and on (zz) wide", source), instant("wide", source));
  EXPECT_EQ(instant("sum without (l00) (wide) unless ignoring (l00) (wide * 1)", source), "");
}

TEST(PromqlEvaluator, PrefetchedGivesTheSameAndAsksNothingMore) {
  const auto data = made_source();
  const std::vector<std::string> cases = {"a",
                                          "a offset 5m + b @ 3000",
                                          "rate(a[10m]) > bool 0",
                                          "max_over_time((a + b)[10m:30s] offset 1m)",
                                          "sum_over_time(count_over_time(a[3m])[5m:1m] @ start())",
                                          "timestamp(a @ end()) or absent(none)",
                                          "topk(scalar(count(b)), a)"};
  for (const auto& text : cases) {
    const CountingSource source(data);
    const auto expr = parsed(text);
    const Prefetched once(*expr, source, {.start = kNow, .end = kNow, .step = 0}, {});
    const Times times{.start = kNow - 9 * kMinute, .end = kNow, .step = 3 * kMinute};
    const Prefetched often(*expr, source, times, {});
    const int asked = source.asked;
    EXPECT_GT(asked, 0) << text;
    EXPECT_EQ(print_answer(evaluate(*expr, once, kNow, {})), print_answer(evaluate(*expr, data, kNow, {})))
        << text;
    EXPECT_EQ(print_answer(evaluate_range(*expr, often, times, {})),
              print_answer(evaluate_range(*expr, data, times, {})))
        << text;
    EXPECT_EQ(source.asked, asked) << text;
  }
  const Prefetched three(*parsed("rate(a[10m])"), data, {.start = kNow, .end = kNow, .step = 0}, {});
  EXPECT_EQ(three.points(), 30U);
}

TEST(PromqlEvaluator, ReachIsHowFarItLooksBack) {
  const auto back = [](const std::string& text) { return reach(*parsed(text), {}) / kMinute; };
  EXPECT_EQ(back("a"), 5);
  EXPECT_EQ(back("1 + time()"), 0);
  EXPECT_EQ(back("a offset 10m"), 15);
  EXPECT_EQ(back("rate(a[1h])"), 60);
  EXPECT_EQ(back("rate(a[1h] offset 30m) or b"), 90);
  EXPECT_EQ(back("max_over_time(rate(a[10m])[1h:1m])"), 69);  // the oldest instant is just inside the hour
  EXPECT_EQ(back("sum(a @ 0) + b"), 5);
  EXPECT_EQ(back("a offset -1h"), 0);
}

TEST(SelectionCache, AsksForTheSameOnlyOnce) {
  const auto data = made_source();
  const CountingSource source(data);
  const SelectionCache cache(source);
  const auto first = instant("sum(a) / count(a)", cache);
  EXPECT_EQ(source.asked, 1);
  EXPECT_EQ(instant("sum(a) / count(a)", cache), first);
  EXPECT_EQ(source.asked, 1);
  instant("sum(a{i=\"1\"})", cache);
  instant("sum(a{i!=\"1\"})", cache);
  instant("rate(a[5m])", cache);
  EXPECT_EQ(source.asked, 4);
}

TEST(SeriesLabels, HashIsOfWhatIsThere) {
  const SeriesLabels labels({{"a", "1"}, {"b", ""}, {"__name__", "n"}});
  EXPECT_EQ(labels.labels.size(), 2U);
  EXPECT_EQ(labels.hash, hash_pair("a", "1") + hash_pair("__name__", "n"));
  EXPECT_EQ(labels.name_index, 0U);
  EXPECT_EQ(SeriesLabels({{"x", "y"}}).name_index, SeriesLabels::kNone);
  EXPECT_NE(hash_pair("ab", "c"), hash_pair("a", "bc"));
}

TEST(PromqlTable, AbsenceIsTheStaleMarkerOfTheStore) {
  EXPECT_TRUE(is_absent(store::stale_marker()));
  EXPECT_FALSE(is_absent(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(is_absent(kAbsent + 1));
}

}  // namespace
}  // namespace qw::promql
