#include "daemon/once.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <ostream>

#include "daemon/base/text.hpp"
#include "daemon/export/site.hpp"
#include "daemon/members/watch.hpp"
#include "daemon/plan.hpp"
#include "daemon/round_table.hpp"

namespace qw {
namespace {

Result<std::vector<config::TargetConfig>> choose(const config::Config& config, const std::string& wanted) {
  if (wanted.empty()) return config.targets;
  std::vector<config::TargetConfig> chosen;
  std::vector<std::string_view> names;
  for (const auto& target : config.targets) {
    const auto& common = target.common;
    if (common.name == wanted || common.system + "/" + common.name == wanted) chosen.push_back(target);
    names.push_back(common.name);
  }
  if (!chosen.empty()) return chosen;
  const auto near = nearest(wanted, names);
  return fail(ErrorKind::config, fmt::format("there is no target '{}'{}", wanted,
                                             near ? fmt::format("; did you mean '{}'?", *near) : ""));
}

Task<void> find_into(members::Watch& watch, config::Config& config) {
  const auto found = co_await watch.prepare(config);
  watch.adopt(found);
}

Task<void> measure_into(probes::Target& target, Nanoseconds timeout, Round& into) {
  into = co_await target.measure(std::chrono::steady_clock::now() + timeout);
}

/// Whom to ask, where files and names say so; why it may not be everybody goes to `err`.
void find_members(std::vector<config::TargetConfig>& targets, std::ostream& err) {
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  async::WorkerPool pool(1);
  members::Watch watch({.clock = clock, .resolver = resolver, .pool = pool},
                       {.changed = {}, .news = [&err](const members::News& news) {
                          err << fmt::format("quorumwatch: {} {}: not all members can be found: {}\n",
                                             news.id.system, news.id.name, news.text);
                        }});
  config::Config config;
  config.targets = std::move(targets);
  async::TaskGroup tasks(io.get_executor(), [&err](std::string_view task, const std::string& what) {
    err << fmt::format("quorumwatch: {}: {}\n", task, what);
  });
  tasks.spawn("members", find_into(watch, config));
  while (tasks.size() > 0) io.run_one();
  targets = std::move(config.targets);
}

/// All at the same time; each ends by its own deadline.
Result<std::vector<Round>> measure_all(const std::vector<config::TargetConfig>& configs) {
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  std::vector<std::unique_ptr<probes::Target>> targets;
  for (const auto& config : configs) {
    auto made = make_target(config, {.net = net, .clock = clock});
    if (!made) return std::unexpected(made.error().within(config.common.system + " " + config.common.name));
    targets.push_back(std::move(*made));
  }
  std::vector<Round> rounds(targets.size());
  std::string bug;
  async::TaskGroup tasks(io.get_executor(), [&](std::string_view task, const std::string& what) {
    bug = fmt::format("{}: {}", task, what);
  });
  for (std::size_t i = 0; i < targets.size(); ++i) {
    tasks.spawn(targets[i]->id().name, measure_into(*targets[i], configs[i].common.timeout, rounds[i]));
  }
  while (tasks.size() > 0) io.run_one();
  if (!bug.empty()) return fail(ErrorKind::internal, bug);
  return rounds;
}

}  // namespace

int run_once(const Flags& flags, const config::Config& config, std::ostream& out, std::ostream& err,
             bool color) {
  auto chosen = choose(config, flags.target);
  if (!chosen) {
    err << "quorumwatch: " << chosen.error().message() << '\n';
    return 2;
  }
  find_members(*chosen, err);
  const auto rounds = measure_all(*chosen);
  if (!rounds) {
    err << "quorumwatch: " << rounds.error().message() << '\n';
    return rounds.error().kind() == ErrorKind::config ? 2 : 1;
  }
  bool first = true;
  for (const auto& round : *rounds) {
    if (flags.json) {
      out << exporting::round_json(round) << '\n';
    } else {
      out << (std::exchange(first, false) ? "" : "\n") << print_round(round, color);
    }
  }
  out.flush();
  return std::ranges::all_of(*rounds, &Round::success) ? 0 : 1;
}

}  // namespace qw
