#include "daemon/app.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>

#include "daemon/base/duration.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/change_log.hpp"
#include "daemon/chronicle.hpp"
#include "daemon/default_config.hpp"
#include "daemon/export/member_metrics.hpp"
#include "daemon/export/notification_metrics.hpp"
#include "daemon/export/placement_metrics.hpp"
#include "daemon/export/reflector_metrics.hpp"
#include "daemon/export/runbooks.hpp"
#include "daemon/heartbeat.hpp"
#include "daemon/members/watch.hpp"
#include "daemon/notify/notifier.hpp"
#include "daemon/notify_plan.hpp"
#include "daemon/placement_service.hpp"
#include "daemon/plan.hpp"
#include "daemon/reflecting.hpp"
#include "daemon/reloads.hpp"
#include "daemon/rule_files.hpp"
#include "daemon/rule_service.hpp"
#include "daemon/server_config.hpp"
#include "daemon/service_manager.hpp"

namespace qw {
namespace {

/// Rounds and requests have this long to end after the first signal; then the process goes without them.
/// Within the 5 s of facts/reliability-and-security.md 2.4.
constexpr Nanoseconds kStopWithin = std::chrono::milliseconds(4500);
/// Scrapes under way may end within this time.
constexpr Nanoseconds kDrainWithin = std::chrono::seconds(1);
constexpr unsigned kWorkers = 2;
/// Exceptions out of plain handlers are bugs; a stream of them must not keep the stopping process alive.
constexpr int kMaxStrayExceptions = 5;

/// The soft limit of descriptors is low for the sake of select(), which nothing here uses.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += (out.empty() ? "" : "; ") + line;
  return out;
}

std::vector<std::string> print_all(const std::vector<config::Problem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(problem.print());
  return out;
}

/// What a reload read, made on a worker.
struct Readout {
  config::Loaded loaded;
  config::LoadedWeb web;
  LoadedRules rules;
  std::vector<std::string> problems() const {
    auto out = print_all(loaded.problems);
    for (auto& line : print_all(rules.problems)) out.push_back(std::move(line));
    for (auto& line : print_all(web.problems)) out.push_back(std::move(line));
    return out;
  }
};

void read_files(Readout& into, const std::string& config_file, const std::string& web_file) {
  if (config_file.empty()) {
    into.loaded.config = default_config();
  } else {
    into.loaded = config::load_file(config_file, config_kinds());
  }
  into.rules = load_rules(into.loaded.config);
  if (!web_file.empty()) into.web = config::load_web_file(web_file);
}

}  // namespace

struct App::Impl final : schedule::Observer {
  Impl(Flags flags_, config::Config config_, config::WebConfig web_, std::vector<rules::RuleGroup> groups_);

  int run();
  bool start();
  bool listen();
  Result<void> reflect(const config::ReflectorOptions& options);
  Task<void> watch_signals();
  Task<net::ServerReply> answer(net::ServerRequest request);
  Task<Result<void>> reload();
  Result<void> swap_in(const Readout& reading);
  std::vector<Error> schedule(const config::Config& from);
  void find_members();
  Task<void> find_first_members();
  Result<void> on_members(const TargetId& id, const config::FoundPlan& plan, std::uint64_t fingerprint);
  void on_member_news(const members::News& news);
  std::vector<TargetId> asked_here(const config::Config& from) const;
  void on_move(const placement::Move& move, std::optional<rules::SavedState> alerts);
  void begin_stop(int code);
  Task<void> stop_all();
  void overdue();
  void bug(std::string_view task, const std::string& what);
  bool ready();
  void refresh();
  std::optional<net::ServerReply> ask_rules(const net::ServerRequest& request);
  std::string own_url() const;
  status::View view() const;
  ServiceFigures figures() const;
  Progress progress() const;

  void on_start(const TargetId& id, Nanoseconds late) override;
  void on_missed(const TargetId& id, std::uint64_t rounds) override;
  void on_round(RoundPtr round, SteadyTime due) override;
  void on_removed(const TargetId& id) override;
  void on_exchanged(const TargetId& id) override;

  async::TaskGroup::OnBug bug_sink() {
    return [this](std::string_view task, const std::string& what) { bug(task, what); };
  }
  probes::ProbeContext context() {
    return {.net = net, .clock = clock, .port_systems = &ports, .last_heard = last_heard()};
  }
  probes::LastHeard last_heard() {
    return [this](const asio::ip::address& from) {
      return reflector ? reflector->last_heard(from) : std::nullopt;
    };
  }

  // In order of construction; what is used by others comes first, and the groups of tasks come last.
  Flags flags;
  config::Config config;
  config::WebConfig web;
  std::vector<rules::RuleGroup> groups;  ///< of the first configuration, until start()
  asio::io_context io{1};
  SystemClock clock;
  asio::signal_set signals{io, SIGTERM, SIGINT, SIGHUP};
  net::Resolver resolver{io.get_executor(), {}};
  net::Net net{io.get_executor(), resolver};
  probes::PortSystems ports;  ///< of `config`
  store::Store store{store::Store::Options()};
  exporting::SelfMetrics self{clock};
  exporting::NotificationMetrics notified{self.registry()};
  exporting::ReflectorMetrics reflections{self.registry()};
  exporting::PlacementMetrics placed{self.registry()};
  async::WorkerPool pool{kWorkers};  ///< its jobs read the store's snapshots and `self`
  exporting::MemberMetrics found_members{self.registry()};
  members::Watch members{
      {.clock = clock, .resolver = resolver, .pool = pool},
      {.changed = [this](const TargetId& id, const config::FoundPlan& plan,
                         std::uint64_t fingerprint) { return on_members(id, plan, fingerprint); },
       .news = [this](const members::News& news) { on_member_news(news); }}};
  /// Who is on no list any more, until the target's rounds leave them out.
  std::map<TargetId, std::vector<std::string>> leaving;
  ChangeLog changes;
  std::map<TargetId, SteadyTime> unready;  ///< targets whose first round is waited for, and how long
  std::set<TargetId> answering;            ///< targets whose last round was answered
  ServiceManager manager{
      clock,
      ServiceManager::from_environment(),
      {.figures = [this] { return figures(); }, .progress = [this] { return progress(); }}};
  Chronicle chronicle;
  RuleService rules;
  PlacementService placement;
  exporting::Site site;
  net::HttpServer http;
  schedule::Scheduler scheduler;
  notify::Notifier notifier;
  std::unique_ptr<probes::Reflector> reflector;  ///< null: none is configured
  Reloads reloads;
  asio::steady_timer stop_limit{io};
  async::TaskGroup tasks;     ///< run until the stop
  async::TaskGroup stopping;  ///< the stop itself
  int exit_code = 0;
  bool stop_begun = false;
};

App::App(Flags flags, config::Config config, config::WebConfig web, std::vector<rules::RuleGroup> groups)
    : impl_(std::make_unique<Impl>(std::move(flags), std::move(config), std::move(web), std::move(groups))) {}
App::~App() = default;
int App::run() {
  return impl_->run();
}

App::Impl::Impl(Flags flags_, config::Config config_, config::WebConfig web_,
                std::vector<rules::RuleGroup> groups_)
    : flags(std::move(flags_)),
      config(std::move(config_)),
      web(std::move(web_)),
      groups(std::move(groups_)),
      chronicle({.executor = io.get_executor(),
                 .clock = clock,
                 .pool = pool,
                 .registry = self.registry(),
                 .on_bug = bug_sink(),
                 .deliveries = [this] { return notifier.stats(); },
                 .silent = [this] { return notifier.silent(); },
                 .folder = state_folder(flags.storage_path)}),
      rules({.executor = io.get_executor(),
             .clock = clock,
             .store = store,
             .pool = pool,
             .registry = self.registry(),
             .on_bug = bug_sink(),
             .publish = [this](AlertsPtr alerts) { notifier.publish(std::move(alerts)); },
             .on_alerts = [this](const rules::RuleEngine& engine,
                                 bool restored) { chronicle.on_alerts(engine, restored); },
             .own_metrics =
                 [this] {
                   refresh();
                   return self.collect();
                 },
             .folder = state_folder(flags.storage_path)}),
      placement(
          {.executor = io.get_executor(),
           .clock = clock,
           .net = net,
           .on_bug = bug_sink(),
           .on_move = [this](const placement::Move& move,
                             std::optional<rules::SavedState> alerts) { on_move(move, std::move(alerts)); },
           .alerts_of = [this](const TargetId& target) { return rules.alerts_of(target); }}),
      site(store, self, pool,
           {.ready = [this] { return ready(); },
            .reload = [this] { return reloads.request_and_wait(); },
            .refresh = [this] { refresh(); },
            .rules = [this](const net::ServerRequest& request) { return ask_rules(request); },
            .view = [this] { return view(); },
            .journal = [this](net::ServerRequest request) { return chronicle.answer(std::move(request)); }}),
      http(
          io.get_executor(), [this](net::ServerRequest request) { return answer(std::move(request)); },
          net::HttpServer::Limits(), bug_sink()),
      scheduler(io.get_executor(), clock, *this, bug_sink()),
      notifier(net, clock, bug_sink()),
      reloads(io.get_executor(), [this] { return reload(); }),
      tasks(io.get_executor(), bug_sink()),
      stopping(io.get_executor(), bug_sink()) {}

int App::Impl::run() {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  if (!start()) return 1;
  for (int stray = 0;;) {
    try {
      io.run();
      break;
    } catch (const std::exception& error) {
      bug("event loop", error.what());
      if (++stray > kMaxStrayExceptions) break;
    }
  }
  log::info("stopped", {{"exit_code", std::to_string(exit_code)}});
  return exit_code;
}

bool App::Impl::start() {
  if (config.file.empty()) {
    log::info("no configuration file is given: watching this host alone");
  }
  find_members();
  if (!listen()) return false;
  if (const auto reflecting = reflect(config.reflector); !reflecting) {
    log::error("can not reflect", {{"reason", reflecting.error().message()}});
    // Nobody asked for it where there is no file: another daemon on this host has the port.
    if (!config.file.empty()) return false;
  }
  ports = port_systems(config);
  if (const auto set = placement.configure(config); !set) {
    log::error("targets can not be shared out", {{"reason", set.error().message()}});
    return false;
  }
  const auto errors = schedule(config);
  for (const auto& error : errors) log::error("target can not be made", {{"reason", error.message()}});
  if (!errors.empty()) return false;
  const auto now = clock.steady();
  for (const auto& target : config.targets) {
    const TargetId id{.system = target.common.system, .name = target.common.name};
    if (placement.asks(id)) unready[id] = now + 2 * target.common.interval;
  }
  auto notify = notify_options(config.alerting, host_name());
  if (!notify) {
    log::error("alerts can not be sent", {{"reason", notify.error().message()}});
    return false;
  }
  notifier.configure(std::move(*notify));
  rules.configure(config, asked_here(config), std::exchange(groups, {}), own_url());
  rules.start();
  chronicle.configure(config);
  chronicle.on_news([this] { site.hurry_page(); });
  chronicle.start(version());
  self.config_reloaded(true, clock.wall());
  tasks.spawn("signals", watch_signals());
  tasks.spawn("heartbeat", heartbeat(clock, self));
  tasks.spawn("reloads", reloads.run());
  tasks.spawn("placement", placement.run());
  tasks.spawn("members", members.run());
  tasks.spawn("status page", site.keep_page_live());
  tasks.spawn("service manager", manager.run());
  log::info("started", {{"targets", std::to_string(scheduler.size())}, {"config_file", config.file}});
  manager.ready();
  return true;
}

bool App::Impl::listen() {
  if (web.tls) {
    const auto set = http.set_tls(server_tls(web));
    if (!set) {
      log::error("the web configuration can not be used", {{"reason", set.error().message()}});
      return false;
    }
  }
  site.set_users(server_users(web));
  for (const auto& address : flags.listen) {
    const auto bound = http.listen(address);
    if (!bound) {
      log::error("can not listen", {{"address", address.print()}, {"reason", bound.error().message()}});
      return false;
    }
    log::info("listening", {{"address", bound->print()}, {"tls", web.tls ? "true" : "false"}});
    if (!web.tls && !is_loopback(bound->host)) {
      log::warning("the page can be read from other machines without TLS; see --web.config.file",
                   {{"address", bound->print()}});
    }
  }
  return true;
}

/// Takes the place of the reflector before, which must go first: it may have the same address.
Result<void> App::Impl::reflect(const config::ReflectorOptions& options) {
  reflector.reset();
  auto opened = open_reflector(io.get_executor(), options);
  if (!opened) return std::unexpected(opened.error().within("reflector"));
  reflector = std::move(*opened);
  if (!reflector) return {};
  for (auto& task : reflector->tasks()) tasks.spawn("reflector", std::move(task));
  for (const auto& at : reflector->listening()) {
    log::info("reflecting", {{"address", net::HostPort(at.address().to_string(), at.port()).print()}});
  }
  return {};
}

Task<void> App::Impl::watch_signals() {
  while (true) {
    auto received = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto& [error, number] = received;
    if (error) co_return;
    if (number == SIGHUP) {
      reloads.request();
      continue;
    }
    log::info("stopping", {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
    // Back to the default action: the second signal ends the process even if the loop were stuck. SIGHUP
    // stays with us, since its default action would end the process too.
    signals.remove(SIGINT);
    signals.remove(SIGTERM);
    begin_stop(0);
    co_return;
  }
}

Task<net::ServerReply> App::Impl::answer(net::ServerRequest request) {
  auto reply = co_await site.answer(std::move(request));
  for (const auto& header : web.headers) reply.headers.push_back(header);
  co_return reply;
}

Task<Result<void>> App::Impl::reload() {
  manager.reloading();
  auto reading = std::make_shared<Readout>();
  // The files may lie on a slow disk, and a large one takes a while to read: not on the loop.
  co_await pool.run([reading, config_file = flags.config_file, web_file = flags.web_config_file] {
    read_files(*reading, config_file, web_file);
  });
  std::shared_ptr<members::Targets> found;
  if (reading->problems().empty()) found = co_await members.prepare(reading->loaded.config);
  auto swapped = swap_in(*reading);
  if (swapped) members.adopt(found);
  self.config_reloaded(swapped.has_value(), clock.wall());
  manager.reloaded(swapped);
  chronicle.on_reload(swapped);
  if (swapped) {
    log::info("configuration reloaded", {{"targets", std::to_string(scheduler.size())}});
  } else {
    log::error("configuration not reloaded, the old one stays", {{"reason", swapped.error().message()}});
  }
  co_return swapped;
}

/// All or nothing: what can fail comes first, and what was changed is changed back.
Result<void> App::Impl::swap_in(const Readout& reading) {
  if (const auto problems = reading.problems(); !problems.empty())
    return fail(ErrorKind::config, join(problems));
  const auto& next_web = reading.web.config;
  if (next_web.tls != web.tls)
    return fail(ErrorKind::config, "TLS can not be turned on or off without a restart");
  auto notify = notify_options(reading.loaded.config.alerting, host_name());
  if (!notify) return std::unexpected(notify.error());
  const bool web_changed = next_web.fingerprint != web.fingerprint;
  if (web.tls && web_changed) {
    const auto set = http.set_tls(server_tls(next_web));
    if (!set) return fail(ErrorKind::config, set.error().message());
  }
  const bool reflector_changed = reading.loaded.config.reflector != config.reflector;
  if (reflector_changed) {
    const auto reflecting = reflect(reading.loaded.config.reflector);
    if (!reflecting) {
      static_cast<void>(reflect(config.reflector));
      if (web.tls && web_changed) static_cast<void>(http.set_tls(server_tls(web)));
      return std::unexpected(reflecting.error());
    }
  }
  auto errors = std::vector<Error>();
  if (const auto set = placement.configure(reading.loaded.config); !set) {
    errors.push_back(set.error());
  } else {
    errors = schedule(reading.loaded.config);
    if (!errors.empty()) static_cast<void>(placement.configure(config));
  }
  if (!errors.empty()) {
    if (reflector_changed) static_cast<void>(reflect(config.reflector));
    // Should the old certificate be gone by now, the new one is as good: the file that names it was found to
    // be right.
    if (web.tls && web_changed) static_cast<void>(http.set_tls(server_tls(web)));
    std::vector<std::string> lines;
    for (const auto& error : errors) lines.push_back(error.message());
    return fail(ErrorKind::config, join(lines));
  }
  notifier.configure(std::move(*notify));
  site.set_users(server_users(next_web));
  config = reading.loaded.config;
  rules.configure(config, asked_here(config), reading.rules.groups, own_url());
  chronicle.configure(config);
  ports = port_systems(config);
  web = next_web;
  return {};
}

/// Runs the targets of `from` that are asked by this daemon, all or nothing.
std::vector<Error> App::Impl::schedule(const config::Config& from) {
  auto entries = make_entries(from, context());
  std::erase_if(entries, [this](const schedule::Entry& entry) { return !placement.asks(entry.id); });
  return scheduler.replace(std::move(entries));
}

/// Before anything else runs, so that the first rounds know whom to ask.
void App::Impl::find_members() {
  async::TaskGroup first(io.get_executor(), bug_sink());
  first.spawn("first members", find_first_members());
  while (first.size() > 0) io.run_one();
  io.restart();
}

Task<void> App::Impl::find_first_members() {
  const auto found = co_await members.prepare(config);
  members.adopt(found);
}

/// The target alone gets another probe; all that is known of it stays.
Result<void> App::Impl::on_members(const TargetId& id, const config::FoundPlan& plan,
                                   std::uint64_t fingerprint) {
  const auto target = std::ranges::find_if(config.targets, [&](const config::TargetConfig& one) {
    return one.common.system == id.system && one.common.name == id.name;
  });
  if (target == config.targets.end()) return {};
  auto before = *target;
  target->plan = plan.plan;
  target->ports = plan.ports;
  target->members_fingerprint = fingerprint;
  if (const auto errors = schedule(config); !errors.empty()) {
    *target = std::move(before);
    return std::unexpected(errors.front());
  }
  ports = port_systems(config);
  return {};
}

void App::Impl::on_member_news(const members::News& news) {
  using Kind = members::News::Kind;
  if (!news.gone.empty() && placement.asks(news.id)) {
    auto& gone = leaving[news.id];
    gone.insert(gone.end(), news.gone.begin(), news.gone.end());
  }
  chronicle.on_members(news);
  const auto& [system, name] = news.id;
  switch (news.kind) {
    case Kind::changed:
      return log::info("members changed", {{"system", system}, {"target", name}, {"members", news.text}});
    case Kind::failed:
      return log::warning("members can not be found, those that are known stay",
                          {{"system", system}, {"target", name}, {"reason", news.text}});
    case Kind::found_again:
      return log::info("members are found again", {{"system", system}, {"target", name}});
  }
}

std::vector<TargetId> App::Impl::asked_here(const config::Config& from) const {
  std::vector<TargetId> out;
  for (const auto& target : from.targets) {
    const TargetId id{.system = target.common.system, .name = target.common.name};
    if (placement.asks(id)) out.push_back(id);
  }
  return out;
}

/// What is let go is told to the rules once its last round is over.
void App::Impl::on_move(const placement::Move& move, std::optional<rules::SavedState> alerts) {
  if (move.taken) rules.take(move.target, std::move(alerts));
  const auto errors = schedule(config);
  for (const auto& error : errors) log::error("target can not be made", {{"reason", error.message()}});
  chronicle.on_move(move, placement.placement().standings().at(move.target));
}

/// The second time only the exit code can get worse.
void App::Impl::begin_stop(int code) {
  exit_code = std::max(exit_code, code);
  if (std::exchange(stop_begun, true)) return;
  manager.stopping();
  stop_limit.expires_after(kStopWithin);
  stop_limit.async_wait([this](const boost::system::error_code& error) {
    if (!error) overdue();
  });
  stopping.spawn("stop", stop_all());
}

Task<void> App::Impl::stop_all() {
  tasks.cancel();
  co_await scheduler.stop();
  co_await rules.stop();
  // While the notifier can still say what was delivered.
  co_await chronicle.stop(exit_code == 0 ? "it was told to" : "a task of it failed, which is a bug");
  co_await notifier.stop();
  co_await http.stop(clock.steady() + kDrainWithin);
  co_await tasks.join();
  signals.cancel();
  stop_limit.cancel();
}

/// Something ignored its cancellation. The kernel cleans up faster than we can.
void App::Impl::overdue() {
  log::error("did not stop in time",
             {{"rounds", std::to_string(scheduler.in_flight())}, {"tasks", std::to_string(tasks.size())}});
  log::stop();
  std::_Exit(1);
}

void App::Impl::bug(std::string_view task, const std::string& what) {
  log::error("a task failed, which is a bug: stopping", {{"task", std::string(task)}, {"what", what}});
  self.task_failed(task);
  begin_stop(1);
}

bool App::Impl::ready() {
  if (stop_begun) return false;
  const auto now = clock.steady();
  std::erase_if(unready, [now](const auto& entry) { return entry.second <= now; });
  return unready.empty();
}

void App::Impl::refresh() {
  self.set_targets(scheduler.size(), scheduler.in_flight());
  const auto stats = http.stats();
  self.set_http(stats.connections, stats.evicted, stats.accept_failures, stats.timeouts);
  self.set_series(store.series(), store.series_dropped());
  self.set_dns(resolver.lookups_in_flight(), resolver.cache_age(clock.steady()));
  self.set_live_coroutines(async::live_tasks());
  self.set_log_dropped(log::dropped());
  notified.set(notifier.stats(), notifier.silent());
  placed.set(placement.placement().standings());
  chronicle.refresh();
  std::vector<exporting::FoundMembers> lists;
  for (const auto& one : members.standings())
    lists.push_back({.id = one.id, .count = one.found, .failed = one.failed});
  found_members.set(lists);
  if (reflector) reflections.set(reflections_of(reflector->stats()));
}

std::optional<net::ServerReply> App::Impl::ask_rules(const net::ServerRequest& request) {
  if (auto reply = exporting::runbook_reply(request)) return reply;
  if (auto reply = placement.answer(request)) return reply;
  if (!RuleService::knows(request.path)) return std::nullopt;
  return rules.answer(request);
}

/// A guess that is right in the plain case; `rules.external_url` is for all others.
std::string App::Impl::own_url() const {
  return fmt::format("{}://{}:{}", web.tls ? "https" : "http", host_name(), flags.listen.front().port);
}

ServiceFigures App::Impl::figures() const {
  const auto& alerts = rules.runner().counts();
  return {.targets = scheduler.size(),
          .answering = answering.size(),
          .firing = alerts.firing,
          .pending = alerts.pending,
          .unknown = alerts.unknown};
}

Progress App::Impl::progress() const {
  return {.rules = rules.runner().working_since(), .state = rules.runner().saving_since()};
}

/// What the status page shows besides the store.
status::View App::Impl::view() const {
  status::View out;
  out.alerts = rules.alerts();
  out.conditions = chronicle.watch().conditions();
  out.events = chronicle.journal().recent();
  out.placement = placement.placement().standings();
  return out;
}

void App::Impl::on_start(const TargetId& /*id*/, Nanoseconds late) {
  self.probe_started(late);
}
void App::Impl::on_missed(const TargetId& id, std::uint64_t rounds) {
  self.rounds_missed(id, rounds);
}

void App::Impl::on_round(RoundPtr round, SteadyTime /*due*/) {
  if (!unready.empty()) unready.erase(round->target);
  if (round->success) {
    answering.insert(round->target);
  } else {
    answering.erase(round->target);
  }
  placement.on_round(round->target);
  changes.observe(*round);
  self.round_finished(*round);
  const auto published = round;
  store.publish(std::move(round));
  chronicle.on_round(*published);
  rules.on_round(*published);
}

void App::Impl::on_removed(const TargetId& id) {
  const bool moved = !placement.asks(id);
  unready.erase(id);
  answering.erase(id);
  changes.forget(id);
  leaving.erase(id);
  chronicle.on_removed(id, moved ? "another daemon asks the target now" : "the target is no longer watched");
  self.target_removed(id);
  if (moved) return rules.let_go(id);
  rules.on_removed(id);
  store.forget(id);
}

void App::Impl::on_exchanged(const TargetId& id) {
  const auto gone = leaving.extract(id);
  if (gone.empty()) return;
  changes.forget_members(id, gone.mapped());
  chronicle.on_members_gone(id, gone.mapped());
}

}  // namespace qw
