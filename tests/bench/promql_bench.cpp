// 200 alert rules over 10,000 series, as the rules engine evaluates them in one cycle: with a cache of
// selections, every rule once. The rules are of the kinds that tests/bench/rules_vs_prometheus gives to the
// real server.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <vector>

#include "daemon/promql/evaluator.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/promql/selection_cache.hpp"
#include "tests/promql/memory_source.hpp"

namespace {

using qw::promql::Millis;

constexpr Millis kStep = 15'000;
constexpr Millis kNow = 1'700'000'000'000;
constexpr int kPoints = 40;  // ten minutes
constexpr int kMetrics = 50;

/// `series` in all, of 50 metrics: half counters, half gauges.
qw::promql::MemorySource made_source(int series) {
  qw::promql::MemorySource source;
  for (int metric = 0; metric < kMetrics; ++metric) {
    for (int i = 0; i < series / kMetrics; ++i) {
      std::vector<qw::promql::Point> points;
      for (int p = 0; p < kPoints; ++p) {
        points.push_back(
            {.at = kNow - (kPoints - 1 - p) * kStep, .value = static_cast<double>(metric + i + p)});
      }
      source.add({{"__name__", fmt::format("metric_{}{}", metric, metric % 2 == 0 ? "_total" : "")},
                  {"instance", fmt::format("10.0.{}.{}:9100", i / 250, i % 250)},
                  {"job", fmt::format("job-{}", i % 10)},
                  {"target", fmt::format("target-{}", i % 40)}},
                 points);
    }
  }
  return source;
}

std::vector<qw::promql::ExprPtr> made_rules(int count) {
  std::vector<qw::promql::ExprPtr> rules;
  for (int i = 0; i < count; ++i) {
    const int counter = i % (kMetrics / 2) * 2;
    const std::string texts[] = {
        fmt::format("metric_{} > 100000", counter + 1),
        fmt::format("rate(metric_{}_total[5m]) > 100", counter),
        fmt::format("sum by (job) (rate(metric_{}_total[5m])) / sum by (job) (metric_{}) > 10", counter,
                    counter + 1),
        fmt::format("max without (instance) (metric_{}) == 0 and on (job, target) avg by (job, target) "
                    "(metric_{}) > 5",
                    counter + 1, (counter + 3) % kMetrics),
    };
    rules.push_back(std::move(*qw::promql::parse(texts[i % 4])));
  }
  return rules;
}

void cycle(benchmark::State& state) {
  const auto source = made_source(static_cast<int>(state.range(0)));
  const auto rules = made_rules(200);
  for (auto _ : state) {
    const qw::promql::SelectionCache cache(source);
    for (const auto& rule : rules) {
      const auto answer = qw::promql::evaluate(*rule, cache, kNow, {});
      benchmark::DoNotOptimize(answer);
    }
  }
}
BENCHMARK(cycle)->Name("200 rules, one cycle")->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

/// The control: reading each series' newest value once.
void control(benchmark::State& state) {
  const auto source = made_source(static_cast<int>(state.range(0)));
  const qw::store::Matcher all{.label = "job", .type = qw::store::MatchType::not_equal, .value = ""};
  const auto selection = source.fetch({&all, 1}, kNow - 300'000, kNow, qw::promql::Source::Need::newest);
  for (auto _ : state) {
    double sum = 0;
    for (const auto& series : *selection) sum += series.points.back().value;
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(control)->Name("control: the newest values added up")->Arg(10'000)->Unit(benchmark::kMillisecond);

void one(benchmark::State& state, const char* text) {
  const auto source = made_source(10'000);
  const auto expr = std::move(*qw::promql::parse(text));
  const qw::promql::SelectionCache cache(source);
  for (auto _ : state) {
    const auto answer = qw::promql::evaluate(*expr, cache, kNow, {});
    benchmark::DoNotOptimize(answer);
  }
}
// Over all 10,000 series, selection not counted.
BENCHMARK_CAPTURE(one, compare, "{job!=\"\"} > 1e9")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(one, sum_by, "sum by (job) ({job!=\"\"})")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(one, rate, "count by (__name__) (last_over_time({job!=\"\"}[5m])) > 1e9")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(one, divide,
                  "{__name__=~\"metric_[12].*\"} / on (__name__, instance, job, target) "
                  "{__name__=~\"metric_[12].*\"} > 1e9")
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
