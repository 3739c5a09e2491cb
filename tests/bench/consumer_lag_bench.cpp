// What a round of very many consumer groups costs the signals. The control is the least that any judgement
// must do: read each commit and each end once.
#include <benchmark/benchmark.h>

#include "probes/signals/consumer_lag.hpp"

namespace qw::signals {
namespace {

constexpr std::int32_t kOfTopic = 50;

SteadyTime at(std::int64_t milliseconds) {
  return SteadyTime(std::chrono::milliseconds(milliseconds));
}

enum class Pace { behind, keeping_up };

/// Groups with `offsets` commits each, over `partitions` partitions in topics of 50; every partition grows.
Facts facts_of(std::int64_t groups, std::int64_t offsets, std::int64_t partitions) {
  Facts facts;
  const auto topics = partitions / kOfTopic;
  for (std::int64_t t = 0; t < topics; ++t) {
    TopicLog topic{
        .topic = "events-" + std::to_string(t), .identity = "id", .retention = {}, .partitions = {}};
    topic.partitions.resize(static_cast<std::size_t>(kOfTopic));
    for (std::int32_t p = 0; p < kOfTopic; ++p) topic.partitions[static_cast<std::size_t>(p)].partition = p;
    facts.topics.push_back(std::move(topic));
  }
  for (std::int64_t g = 0; g < groups; ++g) {
    ConsumerGroup group{.name = "orders-" + std::to_string(g),
                        .asked = {},
                        .coordinator = "b1:9092",
                        .state = ConsumerState::stable,
                        .members = 3,
                        .generation = 7,
                        .topics = {}};
    GroupTopic topic{.topic = "events-" + std::to_string(g % topics), .commits = {}, .assigned = {}};
    for (std::int32_t p = 0; p < offsets; ++p) {
      topic.commits.push_back({p, 0});
      topic.assigned.push_back(p);
    }
    group.topics.push_back(std::move(topic));
    facts.groups.push_back(std::move(group));
  }
  return facts;
}

void ask_at(Facts& facts, std::int64_t t, Pace pace) {
  for (auto& topic : facts.topics) {
    for (auto& log : topic.partitions) {
      log.asked_end = {at(t + 20), at(t + 25)};
      log.end = log.stable_end = static_cast<std::uint64_t>(1'000'000 + t);
      log.start = 0;
    }
  }
  std::uint64_t number = 0;
  for (auto& group : facts.groups) {
    group.asked = {at(t), at(t + 10)};
    // Behind by up to ten minutes, and reading on: nothing that was found out stays true.
    const auto delay = pace == Pace::behind ? 1000 + (number++ * 7919) % 600'000 : 0;
    for (auto& commit : group.topics[0].commits)
      commit.committed =
          static_cast<std::uint64_t>(1'000'000 + t) - std::min<std::uint64_t>(delay, 1'000'000);
  }
}

void count_offsets(benchmark::State& state) {
  state.counters["offsets/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * state.range(0) * state.range(1)), benchmark::Counter::kIsRate);
}

void control(benchmark::State& state) {
  auto facts = facts_of(state.range(0), state.range(1), state.range(2));
  std::int64_t t = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ask_at(facts, t += 5000, Pace::behind);
    state.ResumeTiming();
    std::uint64_t read = 0;
    for (const auto& topic : facts.topics) {
      for (const auto& log : topic.partitions) read += *log.end;
    }
    for (const auto& group : facts.groups) {
      read += group.name.size();
      for (const auto& topic : group.topics) {
        for (const auto& commit : topic.commits) read += commit.committed;
      }
    }
    benchmark::DoNotOptimize(read);
  }
  count_offsets(state);
}

void rounds(benchmark::State& state, Pace pace) {
  auto facts = facts_of(state.range(0), state.range(1), state.range(2));
  ConsumerLag lag;
  Samples samples("kafka", "events");
  std::int64_t t = 0;
  const auto round = [&] {
    lag.begin();
    lag.observe(facts);
    benchmark::DoNotOptimize(lag.ask_offsets());
    lag.report(at(t + 30), samples);
    return samples.take().size();
  };
  for (int i = 0; i < 200; ++i) {  // histories are full
    ask_at(facts, t += 5000, pace);
    round();
  }
  std::size_t series = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ask_at(facts, t += 5000, pace);
    state.ResumeTiming();
    series = round();
  }
  state.counters["series"] = static_cast<double>(series);
  count_offsets(state);
}

void rounds_behind(benchmark::State& state) {
  rounds(state, Pace::behind);
}
void rounds_keeping_up(benchmark::State& state) {
  rounds(state, Pace::keeping_up);
}

// Groups, offsets each, partitions.
BENCHMARK(control)->Args({1000, 50, 5000})->Args({10'000, 20, 20'000})->Unit(benchmark::kMillisecond);
BENCHMARK(rounds_behind)->Args({1000, 50, 5000})->Args({10'000, 20, 20'000})->Unit(benchmark::kMillisecond);
BENCHMARK(rounds_keeping_up)
    ->Args({1000, 50, 5000})
    ->Args({10'000, 20, 20'000})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qw::signals

BENCHMARK_MAIN();
