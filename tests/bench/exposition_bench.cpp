// What a scrape costs the worker: the page by format and size, beside two controls in the same run: a copy of
// the finished page, which nothing can beat, and prometheus-cpp over the same store, which is what we
// replaced. per_series is CPU time.
#include <benchmark/benchmark.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstring>
#include <map>
#include <memory>

#include "daemon/export/page.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

const std::vector<prometheus::MetricFamily> kNone;

store::SnapshotPtr snapshot_of(std::int64_t series) {
  static std::map<std::int64_t, store::SnapshotPtr> made;
  auto& snapshot = made[series];
  if (!snapshot)
    snapshot = std::make_shared<const store::Snapshot>(many_series(static_cast<std::size_t>(series)));
  return snapshot;
}

void report(benchmark::State& state, std::size_t bytes) {
  const auto series = static_cast<double>(state.range(0));
  state.counters["per_series"] =
      benchmark::Counter(series, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["bytes"] = static_cast<double>(bytes);
}

void write(benchmark::State& state, PageFormat format) {
  const auto snapshot = snapshot_of(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto page = write_page(*snapshot, kNone, format);
    bytes = page.size();
    benchmark::DoNotOptimize(page.data());
  }
  report(state, bytes);
}

void BM_text(benchmark::State& state) {
  write(state, PageFormat::text);
}
void BM_open_metrics(benchmark::State& state) {
  write(state, PageFormat::open_metrics);
}

void BM_text_gzip(benchmark::State& state) {
  const auto snapshot = snapshot_of(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto packed = gzip(write_page(*snapshot, kNone, PageFormat::text));
    bytes = packed.size();
    benchmark::DoNotOptimize(packed.data());
  }
  report(state, bytes);
}

void BM_control_memcpy(benchmark::State& state) {
  const auto page = write_page(*snapshot_of(state.range(0)), kNone, PageFormat::text);
  for (auto _ : state) {
    std::string copy(page);
    benchmark::DoNotOptimize(copy.data());
  }
  report(state, page.size());
}

void BM_control_prometheus_cpp(benchmark::State& state) {
  const auto snapshot = snapshot_of(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto page = prometheus::TextSerializer().Serialize(StoreCollectable(snapshot).Collect());
    bytes = page.size();
    benchmark::DoNotOptimize(page.data());
  }
  report(state, bytes);
}

BENCHMARK(BM_control_memcpy)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(500'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_text)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(500'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_open_metrics)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(500'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BM_text_gzip)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(500'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_control_prometheus_cpp)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qw::exporting

// The snapshots are made as the unit tests make them; CMake builds one source a benchmark.
#include "tests/unit/export/exposition.cpp"

BENCHMARK_MAIN();
