// What the store costs: publishing a round, taking a snapshot, selecting; 1 k to 500 k series in targets of
// 100 series. The control copies a vector of samples of the same length, which is the least that any store
// could do.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "daemon/store/store.hpp"
#include "daemon/store/track.hpp"

namespace qw {
namespace {

constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};
constexpr int kSeriesOfATarget = 100;

class Source {
 public:
  explicit Source(int number)
      : id_{.system = "etcd", .name = "target-" + std::to_string(number)}, samples_(id_.system, id_.name) {}

  RoundPtr round(SteadyTime at, int number = 0, double (*value)(int, int) = nullptr) {
    for (int i = 0; i < kSeriesOfATarget; ++i)
      samples_.add(kClaim, value ? value(i, number) : i, {{"member", std::to_string(i)}});
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

/// What a sample costs that is kept: 10,000 series for 15 minutes, a round each 5 s. "values" and "all" are
/// bytes a sample, without and with labels, indexes and the allocator's own; "series" is bytes a series
/// before it has any history.
void keep(benchmark::State& state, double (*value)(int series, int round)) {
  constexpr int kSeries = 10'000;
  constexpr int kRounds = 180;
  for (auto _ : state) {
    const auto start = mallinfo2().uordblks;
    Filled filled(kSeries, std::chrono::minutes(15));
    const auto first = mallinfo2().uordblks;
    for (int round = 1; round < kRounds; ++round) {
      filled.now += std::chrono::seconds(5);
      for (auto& source : filled.sources) filled.store.publish(source.round(filled.now, round, value));
    }
    constexpr double kSamples = static_cast<double>(kSeries) * kRounds;
    state.counters["values"] = static_cast<double>(filled.store.history_bytes()) / kSamples;
    state.counters["all"] = static_cast<double>(mallinfo2().uordblks - start) / kSamples;
    state.counters["series"] = static_cast<double>(first - start) / kSeries;
  }
}
double constant(int series, int /*round*/) {
  return series;
}
double counter(int series, int round) {
  return series + round * 7;
}
double now_and_then(int series, int round) {
  return (series + round) % 20 == 0 ? round : -1;
}
BENCHMARK_CAPTURE(keep, constant, constant)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(keep, changes_now_and_then, now_and_then)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(keep, changes_always, counter)->Iterations(1)->Unit(benchmark::kMillisecond);

void find_and_read_newest(benchmark::State& state) {
  Filled filled(state.range(0), std::chrono::minutes(5));
  const std::vector<store::Matcher> matchers{{.label = "__name__", .value = "quorumwatch_leader_claim"}};
  const auto tracks = filled.store.find(matchers);
  for (auto _ : state) {
    double sum = 0;
    for (const auto* const track : tracks) sum += track->newest(SteadyTime(), filled.now)->value;
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(find_and_read_newest)->Arg(10'000)->Unit(benchmark::kMicrosecond);

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
