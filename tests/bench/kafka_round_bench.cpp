// One round of the Kafka probe over 10,000 groups and 200,000 offsets on three scripted brokers, which share
// the loop and so the time. The control is a round over one group: what a round costs by itself.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <any>

#include "config/config.hpp"
#include "daemon/net/resolver.hpp"
#include "probes/probe.hpp"
#include "tests/unit/systems/scripted_kafka.hpp"

namespace qw::probes {

extern const ProbeKind kKafka;

namespace {

using qw::testing::ScriptedKafka;

constexpr int kTopics = 500;
constexpr int kPartitions = 20;
constexpr int kBrokers = 3;

/// Brokers, a probe and the loop that they all run on.
class Scene {
 public:
  explicit Scene(int groups) {
    for (int id = 1; id <= kBrokers; ++id) {
      brokers_.push_back(std::make_unique<ScriptedKafka>(io_, cluster_, id));
      cluster_.alive[id] = brokers_.back().get();
    }
    for (int i = 0; i < kTopics; ++i) {
      auto& topic = cluster_.topics[fmt::format("topic-{:03}", i)];
      for (int j = 0; j < kPartitions; ++j) {
        auto& partition = topic.partitions.emplace_back();
        partition.leader = 1 + (i + j) % kBrokers;
        partition.replicas = partition.in_sync = {partition.leader};
        partition.end = 1000;
      }
    }
    for (int i = 0; i < groups; ++i) {
      auto& group = brokers_[static_cast<std::size_t>(i % kBrokers)]->groups[fmt::format("group-{:05}", i)];
      auto& commits = group.commits[fmt::format("topic-{:03}", i % kTopics)];
      for (int j = 0; j < kPartitions; ++j) commits[j] = 900;
    }
    const config::Kind table{.system = kKafka.system, .summary = "", .read = [](config::Fields& fields) {
                               return std::any(kKafka.read(fields));
                             }};
    auto loaded = config::load_text(
        fmt::format("targets: [{{system: kafka, name: bench, bootstrap: ['{}']}}]", brokers_[0]->address()),
        "/tmp/bench.yml", std::span(&table, 1));
    auto made = std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan)(ProbeContext{net_, clock_});
    probe_ = std::move(*made);
  }
  ~Scene() {
    probe_.reset();
    for (auto& broker : brokers_) run(stop(*broker));
    tasks_.cancel();
    io_.restart();
    io_.run();
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  Facts round() {
    auto facts = run(probe_->ask(Question(), clock_.steady() + std::chrono::seconds(10)));
    return std::move(*facts);
  }

 private:
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    tasks_.spawn("bench", into(std::move(task), result));
    while (!result) {
      io_.restart();
      io_.run_one();
    }
    return std::move(*result);
  }
  template <class T>
  static Task<void> into(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  static Task<bool> stop(ScriptedKafka& broker) {
    co_await broker.stop();
    co_return true;
  }

  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
  qw::testing::ScriptedCluster cluster_;
  std::vector<std::unique_ptr<ScriptedKafka>> brokers_;
  std::unique_ptr<Probe> probe_;
  async::TaskGroup tasks_{io_.get_executor(), [](std::string_view, const std::string&) { std::abort(); }};
};

void round_over_groups(benchmark::State& state) {
  Scene scene(static_cast<int>(state.range(0)));
  std::size_t offsets = 0;
  for (auto _ : state) {
    const Facts facts = scene.round();
    offsets = 0;
    for (const auto& group : facts.groups) {
      for (const auto& topic : group.topics) offsets += topic.commits.size();
    }
    if (offsets != static_cast<std::size_t>(state.range(0)) * kPartitions)
      state.SkipWithError("offsets are missing");
  }
  state.counters["offsets"] = static_cast<double>(offsets);
}
BENCHMARK(round_over_groups)->Arg(1)->Arg(1000)->Arg(10'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace qw::probes

BENCHMARK_MAIN();
