// What the store costs: publishing a round, taking a snapshot, selecting; 1 k to 500 k series in targets of
// 100 series. The control copies a vector of samples of the same length, which is the least that any store
// could do.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "daemon/store/store.hpp"

namespace qw {
namespace {

constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};
constexpr int kSeriesOfATarget = 100;

class Source {
 public:
  explicit Source(int number)
      : id_{.system = "etcd", .name = "target-" + std::to_string(number)}, samples_(id_.system, id_.name) {}

  RoundPtr round(SteadyTime at) {
    for (int i = 0; i < kSeriesOfATarget; ++i) samples_.add(kClaim, i, {{"member", std::to_string(i)}});
    auto round = std::make_shared<Round>();
    round->target = id_;
    round->started = round->finished = at;
    round->samples = samples_.take();
    return round;
  }

 private:
  TargetId id_;
  Samples samples_;
};

struct Filled {
  Filled(std::int64_t series, Nanoseconds retention) : store(options(retention)) {
    for (std::int64_t i = 0; i < series / kSeriesOfATarget; ++i) {
      sources.emplace_back(static_cast<int>(i));
      store.publish(sources.back().round(now));
    }
  }
  static store::Store::Options options(Nanoseconds retention) {
    store::Store::Options out;
    out.retention = retention;
    return out;
  }
  SteadyTime now{std::chrono::seconds(1000)};
  store::Store store;
  std::vector<Source> sources;
};

void control_copy(benchmark::State& state) {
  Source source(0);
  const auto round = source.round({});
  for (auto _ : state) {
    auto copy = round->samples;
    benchmark::DoNotOptimize(copy.data());
  }
}
BENCHMARK(control_copy);

void publish(benchmark::State& state, Nanoseconds retention) {
  Filled filled(state.range(0), retention);
  std::size_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    filled.now += std::chrono::milliseconds(1);
    auto round = filled.sources[next++ % filled.sources.size()].round(filled.now);
    state.ResumeTiming();
    filled.store.publish(std::move(round));
  }
}
BENCHMARK_CAPTURE(publish, last_round_only, Nanoseconds(0))
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(500'000);
BENCHMARK_CAPTURE(publish, with_history, std::chrono::seconds(60))
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(500'000);

void snapshot_after_a_change(benchmark::State& state) {
  Filled filled(state.range(0), Nanoseconds(0));
  auto round = filled.sources[0].round(filled.now);
  for (auto _ : state) {
    filled.store.publish(round);
    auto taken = filled.store.snapshot();
    benchmark::DoNotOptimize(taken.get());
  }
}
BENCHMARK(snapshot_after_a_change)->Arg(1000)->Arg(10'000)->Arg(100'000)->Arg(500'000);

void select_one_target(benchmark::State& state) {
  Filled filled(state.range(0), std::chrono::seconds(60));
  const std::vector<store::Matcher> matchers{
      {.label = "__name__", .value = "quorumwatch_leader_claim"},
      {.label = "target", .type = store::MatchType::regex, .value = "target-0|none"}};
  for (auto _ : state) {
    auto found = filled.store.select(matchers, SteadyTime(), filled.now);
    benchmark::DoNotOptimize(found.data());
  }
}
BENCHMARK(select_one_target)->Arg(1000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace qw

BENCHMARK_MAIN();
