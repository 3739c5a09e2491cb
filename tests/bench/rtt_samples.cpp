// Measures one member by the kind `nodes`, as the daemon does, and prints each round trip on a line of its
// own, for tests/bench/rtt_error: WALL-CLOCK-OF-SENDING ROUND-TRIP ERROR METHOD, all in nanoseconds.
//   rtt_samples SECONDS INTERVAL_MS 'KEYS OF THE TARGET IN YAML'
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <utility>

#include "config/config.hpp"
#include "daemon/base/text.hpp"
#include "daemon/net/flight.hpp"
#include "probes/probe.hpp"

namespace qw {
namespace {

void print(const std::vector<RoundTrip>& round_trips) {
  const auto now = net::read_clocks();
  for (const auto& one : round_trips) {
    const auto sent = now.wall - (now.steady - one.asked.sent);
    fmt::print("{} {} {} {}\n", sent.time_since_epoch().count(), one.value.count(),
               one.error.value_or(Nanoseconds(-1)).count(), one.method);
  }
}

Task<void> measure(probes::Probe& probe, Nanoseconds duration, Nanoseconds interval) {
  const SystemClock clock;
  const auto end = clock.steady() + duration;
  // In its first round a way finds out what its peer can tell; a daemon has that behind it.
  bool first = true;
  while (clock.steady() < end) {
    co_await async::sleep_until(clock.steady() + interval);
    auto facts = co_await probe.ask(probes::Question(), clock.steady() + std::chrono::seconds(1));
    if (!facts) {
      fmt::print(stderr, "{}\n", facts.error().message());
      continue;
    }
    for (const auto& one : facts->unanswered) fmt::print(stderr, "{}\n", one.error.message());
    if (!std::exchange(first, false)) print(facts->round_trips);
  }
}

int run(std::uint64_t seconds, std::uint64_t interval_ms, const std::string& keys) {
  std::vector<config::Kind> kinds;
  for (const auto* kind : probes::probe_kinds()) {
    kinds.push_back({.system = kind->system,
                     .summary = "",
                     .read = [kind](config::Fields& fields) -> std::any { return kind->read(fields); }});
  }
  auto loaded = config::load_text("targets: [{system: nodes, name: bench, " + keys + "}]", "", kinds);
  for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.print());
  if (!loaded.problems.empty()) return 2;
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  auto made =
      std::any_cast<probes::ProbeMaker>(loaded.config.targets.at(0).plan)({.net = net, .clock = clock});
  if (!made) {
    fmt::print(stderr, "{}\n", made.error().message());
    return 1;
  }
  const auto probe = std::move(*made);
  int code = 0;
  async::TaskGroup tasks(io.get_executor(), [&](std::string_view, const std::string& what) {
    fmt::print(stderr, "{}\n", what);
    code = 1;
  });
  tasks.spawn("measure",
              measure(*probe, std::chrono::seconds(seconds), std::chrono::milliseconds(interval_ms)));
  while (tasks.size() > 0) io.run_one();
  return code;
}

}  // namespace
}  // namespace qw

int main(int count, char** arguments) {
  const auto seconds = count == 4 ? qw::parse_uint64(arguments[1]) : std::nullopt;
  const auto interval = count == 4 ? qw::parse_uint64(arguments[2]) : std::nullopt;
  if (!seconds || !interval || *interval == 0) {
    fmt::print(stderr, "usage: rtt_samples SECONDS INTERVAL_MS KEYS\n");
    return 2;
  }
  return qw::run(*seconds, *interval, arguments[3]);
}
