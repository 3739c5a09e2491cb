#include "daemon/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "config/config.hpp"
#include "config/web.hpp"
#include "daemon/app.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/completion.hpp"
#include "daemon/default_config.hpp"
#include "daemon/discover_command.hpp"
#include "daemon/flags.hpp"
#include "daemon/manual.hpp"
#include "daemon/members/finder.hpp"
#include "daemon/notify_plan.hpp"
#include "daemon/once.hpp"
#include "daemon/plan.hpp"
#include "daemon/reference.hpp"
#include "daemon/report_command.hpp"
#include "daemon/rule_commands.hpp"
#include "daemon/rule_files.hpp"
#include "daemon/server_config.hpp"
#include "probes/probe.hpp"

namespace qw {
namespace {

constexpr int kBadUsage = 2;

/// The configuration and the web configuration; every problem of both is on standard error when it is false.
struct Inputs {
  config::Config config;
  std::vector<rules::RuleGroup> rules;
  config::WebConfig web;
};

bool read_inputs(const Flags& flags, Inputs& into) {
  std::vector<config::Problem> problems;
  if (!flags.config_file.empty()) {
    auto loaded = config::load_file(flags.config_file, config_kinds());
    into.config = std::move(loaded.config);
    problems = std::move(loaded.problems);
    auto rules = load_rules(into.config);
    problems.insert(problems.end(), rules.problems.begin(), rules.problems.end());
    into.rules = std::move(rules.groups);
  }
  if (!flags.web_config_file.empty()) {
    auto loaded = config::load_web_file(flags.web_config_file);
    into.web = std::move(loaded.config);
    problems.insert(problems.end(), loaded.problems.begin(), loaded.problems.end());
  }
  for (const auto& problem : problems) std::cerr << problem.print() << '\n';
  return problems.empty();
}

/// Of what is to be measured, where no file is an input too.
bool read_inputs_to_measure(const Flags& flags, Inputs& into) {
  if (!read_inputs(flags, into)) return false;
  if (flags.config_file.empty()) into.config = default_config();
  return true;
}

/// What shows only when the targets are made: certificates and keys that can not be read or do not fit.
bool make_all(const Inputs& inputs) {
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  bool good = true;
  for (const auto& target : inputs.config.targets) {
    const auto made = make_target(target, {.net = net, .clock = clock});
    if (made) continue;
    good = false;
    std::cerr << fmt::format("{}: {} {}: {}\n", inputs.config.file, target.common.system, target.common.name,
                             made.error().message());
  }
  if (const auto notify = notify_options(inputs.config.alerting, host_name()); !notify) {
    good = false;
    std::cerr << fmt::format("{}: {}\n", inputs.config.file, notify.error().message());
  }
  if (inputs.web.tls) {
    net::HttpServer server(io.get_executor(), nullptr, net::HttpServer::Limits(),
                           [](std::string_view, const std::string&) {});
    const auto set = server.set_tls(server_tls(inputs.web));
    if (!set) {
      good = false;
      std::cerr << "web configuration: " << set.error().message() << '\n';
    }
  }
  return good;
}

/// The files that members are found in. One that is not there yet may come; one that is wrong is a problem.
bool check_members(const config::Config& config) {
  const auto checked = members::check_files(config);
  for (const auto& problem : checked.problems) std::cerr << problem << '\n';
  for (const auto& note : checked.notes) std::cout << note << '\n';
  return checked.problems.empty();
}

int check(const Flags& flags) {
  if (flags.config_file.empty() && flags.web_config_file.empty()) {
    std::cerr << "quorumwatch: check needs a file\n";
    return kBadUsage;
  }
  Inputs inputs;
  if (!read_inputs(flags, inputs) || !make_all(inputs) || !check_members(inputs.config)) return kBadUsage;
  std::cout << fmt::format("{}: good, {} targets\n",
                           flags.config_file.empty() ? flags.web_config_file : flags.config_file,
                           inputs.config.targets.size());
  return 0;
}

/// Colours only where a person looks, and not where that person said no (no-color.org).
bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) && (!no_color || !*no_color) && term && std::string_view(term) != "dumb";
}

int once(const Flags& flags) {
  Inputs inputs;
  if (!read_inputs_to_measure(flags, inputs)) return kBadUsage;
  return run_once(flags, inputs.config, std::cout, std::cerr, wants_color());
}

/// A thread that a dead broker holds would find static objects gone: then nothing is destroyed, which harms
/// nobody.
void leave_if_threads_hang(int code) {
  constexpr auto kPatience = std::chrono::seconds(3);
  for (const auto* kind : probes::probe_kinds()) {
    if (!kind->threads_ended || kind->threads_ended(kPatience)) continue;
    std::fflush(nullptr);
    std::quick_exit(code);
  }
}

int run(const Flags& flags) {
  Inputs inputs;
  if (!read_inputs_to_measure(flags, inputs)) return kBadUsage;
  log::start(flags.log);
  int code = 1;
  {
    App app(flags, std::move(inputs.config), std::move(inputs.web), std::move(inputs.rules));
    code = app.run();
  }
  log::stop();
  leave_if_threads_hang(code);
  return code;
}

}  // namespace

int program(std::span<const std::string_view> args) {
  const auto flags = parse_flags(args);
  if (!flags) {
    std::cerr << "quorumwatch: " << flags.error().message() << '\n';
    return kBadUsage;
  }
  switch (flags->command) {
    case Command::run:
      return run(*flags);
    case Command::check:
      return check(*flags);
    case Command::once:
      return once(*flags);
    case Command::check_rules:
      return check_rules_command(*flags, std::cout, std::cerr);
    case Command::test_rules:
      return test_rules_command(*flags, std::cout, std::cerr);
    case Command::explain:
      return explain_command(*flags, std::cout, std::cerr);
    case Command::report:
      return report_command(*flags, std::cout, std::cerr);
    case Command::discover:
      return discover_command(*flags, std::cout, std::cerr);
    case Command::metrics:
      std::cout << print_metrics();
      break;
    case Command::probes:
      std::cout << print_probes();
      break;
    case Command::reference:
      std::cout << config::print_reference(config_kinds());
      break;
    case Command::manual:
      std::cout << print_manual();
      break;
    case Command::completion:
      std::cout << print_completion(flags->target);
      break;
    case Command::version:
      std::cout << "quorumwatch " << version() << " (" << revision() << ")\n";
      break;
    case Command::help:
      std::cout << help_text();
      break;
  }
  std::cout.flush();
  return std::cout ? 0 : 1;
}

}  // namespace qw
