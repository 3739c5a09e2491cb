// How many looks at members the signals judge a second. The control is the least that any judgement must do:
// read each claim once.
#include <benchmark/benchmark.h>

#include "probes/signals/judgement.hpp"

namespace qw::signals {
namespace {

SteadyTime at(std::int64_t milliseconds) {
  return SteadyTime(std::chrono::milliseconds(milliseconds));
}

/// A quiet look at a raft cluster, with all that one reply yields besides the claim when `rich`.
Facts quiet(std::int64_t members, bool rich) {
  Facts facts;
  facts.traits = {Fencing::fenced, std::chrono::seconds(1), std::chrono::seconds(2)};
  for (std::int64_t i = 0; i < members; ++i) {
    const auto name = "10.0.0." + std::to_string(i + 1) + ":2379";
    facts.claims.push_back({.member = name,
                            .asked = {},
                            .claim = i == 0 ? Claim::leader : Claim::not_leader,
                            .tenure = {.lineage = "cdf818194e3a8c32", .epoch = 7, .token = ""},
                            .follows = i == 0 ? std::nullopt : std::optional<std::string>("10.0.0.1:2379")});
    if (!rich) continue;
    facts.memberships.push_back(
        {.member = name, .asked = {}, .lineage = "", .voters = static_cast<unsigned>(members)});
    facts.positions.push_back({.member = name,
                               .reported_by = name,
                               .asked = {},
                               .role = i == 0 ? Role::leader : Role::replica,
                               .lineage = "cdf818194e3a8c32",
                               .unit = PositionUnit::entries,
                               .forked_from = {}});
    facts.round_trips.push_back(
        {.member = name, .method = "http", .asked = {}, .value = Nanoseconds(400'000), .error = {}});
  }
  return facts;
}

void ask_at(Facts& facts, std::int64_t t) {
  const Asked asked{at(t), at(t + 1)};
  for (auto& claim : facts.claims) claim.asked = asked;
  for (auto& position : facts.positions) {
    position.asked = asked;
    position.position = static_cast<std::uint64_t>(t);
  }
}

void count_members(benchmark::State& state) {
  state.counters["members/s"] = benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                                                   benchmark::Counter::kIsRate);
}

void control(benchmark::State& state) {
  auto facts = quiet(state.range(0), false);
  std::int64_t t = 0;
  for (auto _ : state) {
    ask_at(facts, t += 1000);
    std::size_t read = 0;
    for (const auto& claim : facts.claims) read += claim.member.size() + claim.tenure.epoch.value_or(0);
    benchmark::DoNotOptimize(read);
  }
  count_members(state);
}

void leadership_looks(benchmark::State& state) {
  auto facts = quiet(state.range(0), false);
  Leadership leadership;
  std::int64_t t = 0;
  for (auto _ : state) {
    ask_at(facts, t += 1000);
    leadership.begin();
    leadership.observe(facts);
    benchmark::DoNotOptimize(leadership.ask_again());
  }
  count_members(state);
}

void whole_rounds(benchmark::State& state) {
  auto facts = quiet(state.range(0), true);
  Judgement judgement;
  Samples samples("etcd", "control-plane");
  std::int64_t t = 0;
  for (auto _ : state) {
    ask_at(facts, t += 1000);
    judgement.begin();
    judgement.observe(facts);
    benchmark::DoNotOptimize(judgement.ask_again());
    judgement.report(at(t + 2), samples);
    benchmark::DoNotOptimize(samples.take());
  }
  count_members(state);
}

/// A mesh of so many members by three methods, a packet of each along each of four paths; one member loses.
Facts mesh(std::int64_t members) {
  Facts facts;
  for (std::int64_t i = 0; i < members; ++i) {
    const auto name = "10.0.0." + std::to_string(i + 1);
    for (const std::string method : {"stamp", "icmp", "tcp_info"}) {
      for (int path = 0; path < 4; ++path) {
        PacketTrain train;
        train.member = name;
        train.method = method;
        train.path = name + "#" + std::to_string(path);
        train.sent = 10;
        train.received = i == 0 ? 9 : 10;
        facts.trains.push_back(train);
        for (std::uint64_t packet = 0; packet < train.received; ++packet) {
          facts.round_trips.push_back({.member = name,
                                       .method = method,
                                       .asked = {},
                                       .value = Nanoseconds(100'000),
                                       .error = Nanoseconds(5000)});
          facts.round_trips.back().path = train.path;
          facts.round_trips.back().send_lag = Nanoseconds(20'000);
        }
      }
    }
  }
  return facts;
}

void mesh_rounds(benchmark::State& state) {
  auto facts = mesh(state.range(0));
  RoundTrips round_trips;
  Samples samples("nodes", "mesh");
  std::int64_t t = 0;
  std::size_t series = 0;
  for (auto _ : state) {
    const Asked asked{at(t += 1000), at(t + 100)};
    for (auto& trip : facts.round_trips) trip.asked = asked;
    for (auto& train : facts.trains) train.asked = asked;
    round_trips.begin();
    round_trips.observe(facts);
    benchmark::DoNotOptimize(round_trips.ask_trains());
    round_trips.report(at(t + 200), samples);
    series = samples.take().size();
  }
  state.counters["series"] = static_cast<double>(series);
  state.counters["packets/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(facts.round_trips.size()),
      benchmark::Counter::kIsRate);
}

/// The report alone, of what one round found.
void mesh_reports(benchmark::State& state) {
  auto facts = mesh(state.range(0));
  RoundTrips round_trips;
  Samples samples("nodes", "mesh");
  for (auto& trip : facts.round_trips) trip.asked = {at(1000), at(1100)};
  for (auto& train : facts.trains) train.asked = {at(1000), at(1100)};
  round_trips.begin();
  round_trips.observe(facts);
  for (auto _ : state) {
    round_trips.report(at(1200), samples);
    benchmark::DoNotOptimize(samples.take());
  }
}

BENCHMARK(control)->Arg(3)->Arg(5);
BENCHMARK(leadership_looks)->Arg(3)->Arg(5);
BENCHMARK(whole_rounds)->Arg(3)->Arg(5);
BENCHMARK(mesh_rounds)->Arg(16)->Arg(100)->Unit(benchmark::kMillisecond);
BENCHMARK(mesh_reports)->Arg(16)->Arg(100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace qw::signals

BENCHMARK_MAIN();
