// How late rounds start beside bare timers on the same loop in the same run: 1,000 targets a second, 30 % of
// which hang until their deadline (facts/reliability-and-security.md 2.1). A process-level program rather
// than a Google Benchmark, since what is measured is delay, not work:
// build/release/tests/bench/lateness_bench [targets] [seconds] [percent hung]
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "daemon/schedule/scheduler.hpp"

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Answers at once, or sleeps until its deadline.
class BenchProbe final : public probes::Probe {
 public:
  explicit BenchProbe(bool hung) : hung_(hung) {}
  Task<Result<Facts>> ask(probes::Question /*question*/, SteadyTime deadline) override {
    if (hung_) co_await async::sleep_until(deadline);
    Facts facts;
    auto& claim = facts.claims.emplace_back();
    claim.member = "10.0.0.1:2379";
    claim.claim = Claim::leader;
    co_return facts;
  }

 private:
  bool hung_;
};

class Lateness final : public schedule::Observer {
 public:
  void on_start(const TargetId& /*id*/, Nanoseconds late) override { starts.push_back(late); }
  void on_missed(const TargetId& /*id*/, std::uint64_t count) override { missed += count; }
  void on_round(RoundPtr /*round*/, SteadyTime /*due*/) override {}
  void on_removed(const TargetId& /*id*/) override {}
  std::vector<Nanoseconds> starts;
  std::uint64_t missed = 0;
};

Task<void> bare_timer(Nanoseconds interval, SteadyTime due, std::vector<Nanoseconds>& lateness) {
  while (true) {
    const bool awake = co_await async::sleep_until(due);
    if (!awake) co_return;
    lateness.push_back(steady_clock::now() - due);
    due += interval;
  }
}

struct Summary {
  double p50, p99, p999, max;
};

Summary summarise(std::vector<Nanoseconds> values) {
  std::ranges::sort(values);
  const auto at = [&](double part) {
    return values.empty()
               ? 0
               : seconds(values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))]) *
                     1000;
  };
  return {.p50 = at(0.5), .p99 = at(0.99), .p999 = at(0.999), .max = at(1)};
}

int run(int targets, int run_seconds, int percent_hung) {
  asio::io_context io(1);
  SystemClock clock;
  Lateness lateness;
  std::vector<Nanoseconds> control;
  const auto ignore = [](std::string_view, const std::string&) {};
  async::TaskGroup timers(io.get_executor(), ignore);
  schedule::Scheduler scheduler(io.get_executor(), clock, lateness, ignore);
  const auto interval = std::chrono::seconds(1);
  std::vector<schedule::Entry> entries;
  for (int i = 0; i < targets; ++i) {
    timers.spawn("timer", bare_timer(interval,
                                     schedule::first_due(clock.steady(), interval,
                                                         static_cast<std::uint64_t>(i) + 1'000'000),
                                     control));
    const TargetId id{.system = "bench", .name = "t" + std::to_string(i)};
    const bool hung = i % 100 < percent_hung;
    entries.push_back({.id = id,
                       .fingerprint = 0,
                       .interval = interval,
                       .timeout = milliseconds(500),
                       .make = [id, hung, &clock]() -> Result<std::unique_ptr<probes::Target>> {
                         return std::make_unique<probes::Target>(id, std::make_unique<BenchProbe>(hung),
                                                                 clock);
                       }});
  }
  scheduler.replace(std::move(entries));
  io.run_for(std::chrono::seconds(run_seconds));

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  const auto rounds = summarise(lateness.starts);
  const auto bare = summarise(control);
  std::printf("%d targets at 1 s, %d %% hung, %d s: %zu rounds, %llu missed, %.1f %% of a core, %ld KiB\n",
              targets, percent_hung, run_seconds, lateness.starts.size(),
              static_cast<unsigned long long>(lateness.missed), 100 * cpu / run_seconds, usage.ru_maxrss);
  std::printf("%-12s %9s %9s %9s %9s\n", "lateness", "p50 ms", "p99 ms", "p99.9 ms", "max ms");
  std::printf("%-12s %9.3f %9.3f %9.3f %9.3f\n", "rounds", rounds.p50, rounds.p99, rounds.p999, rounds.max);
  std::printf("%-12s %9.3f %9.3f %9.3f %9.3f\n", "bare timers", bare.p50, bare.p99, bare.p999, bare.max);
  std::printf("%-12s %9.2f %9.2f %9.2f %9.2f\n", "ratio", rounds.p50 / bare.p50, rounds.p99 / bare.p99,
              rounds.p999 / bare.p999, rounds.max / bare.max);
  return 0;
}

}  // namespace
}  // namespace qw

int main(int argc, char** argv) {
  const auto number = [&](int at, int otherwise) { return argc > at ? std::atoi(argv[at]) : otherwise; };
  return qw::run(number(1, 1000), number(2, 20), number(3, 30));
}
