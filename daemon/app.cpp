#include "daemon/app.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>

#include "daemon/base/duration.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/chronicle.hpp"
#include "daemon/default_config.hpp"
#include "daemon/export/notification_metrics.hpp"
#include "daemon/export/reflector_metrics.hpp"
#include "daemon/export/runbooks.hpp"
#include "daemon/heartbeat.hpp"
#include "daemon/members/watch.hpp"
#include "daemon/notify/notifier.hpp"
#include "daemon/notify_plan.hpp"
#include "daemon/plan.hpp"
#include "daemon/reflecting.hpp"
#include "daemon/reloads.hpp"
#include "daemon/rule_files.hpp"
#include "daemon/rule_service.hpp"
#include "daemon/server_config.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/watched_targets.hpp"

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

struct App::Impl {
  Impl(Flags flags_, config::Config config_, config::WebConfig web_, std::vector<rules::RuleGroup> groups_);

  int run();
  bool start();
  bool listen();
  Result<void> reflect(const config::ReflectorOptions& options);
  Task<void> watch_signals();
  Task<net::ServerReply> answer(net::ServerRequest request);
  Task<Result<void>> reload();
  Result<void> swap_in(const Readout& reading, std::shared_ptr<members::Targets> found);
  std::shared_ptr<members::Targets> find_members();
  Task<void> find_first_members(std::shared_ptr<std::shared_ptr<members::Targets>> found);
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

  async::TaskGroup::OnBug bug_sink() {
    return [this](std::string_view task, const std::string& what) { bug(task, what); };
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
  store::Store store{store::Store::Options()};
  exporting::SelfMetrics self{clock};
  exporting::NotificationMetrics notified{self.registry()};
  exporting::ReflectorMetrics reflections{self.registry()};
  async::WorkerPool pool{kWorkers};  ///< its jobs read the store's snapshots and `self`
  ServiceManager manager{
      clock,
      ServiceManager::from_environment(),
      {.figures = [this] { return figures(); }, .progress = [this] { return progress(); }}};
  Chronicle chronicle;
  RuleService rules;
  WatchedTargets targets;
  exporting::Site site;
  net::HttpServer http;
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
      targets({.executor = io.get_executor(),
               .clock = clock,
               .net = net,
               .resolver = resolver,
               .pool = pool,
               .store = store,
               .self = self,
               .chronicle = chronicle,
               .rules = rules,
               .last_heard = last_heard(),
               .on_bug = bug_sink()}),
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
  const auto found = find_members();
  if (!listen()) return false;
  if (const auto reflecting = reflect(config.reflector); !reflecting) {
    log::error("can not reflect", {{"reason", reflecting.error().message()}});
    // Nobody asked for it where there is no file: another daemon on this host has the port.
    if (!config.file.empty()) return false;
  }
  const auto errors = targets.replace(config);
  for (const auto& error : errors) log::error("target can not be made", {{"reason", error.message()}});
  if (!errors.empty()) return false;
  targets.adopt(config, found);
  auto notify = notify_options(config.alerting, host_name());
  if (!notify) {
    log::error("alerts can not be sent", {{"reason", notify.error().message()}});
    return false;
  }
  notifier.configure(std::move(*notify));
  rules.configure(config, targets.asked_here(config), std::exchange(groups, {}), own_url());
  rules.start();
  chronicle.configure(config);
  chronicle.on_news([this] { site.hurry_page(); });
  chronicle.start(version());
  self.config_reloaded(true, clock.wall());
  tasks.spawn("signals", watch_signals());
  tasks.spawn("heartbeat", heartbeat(clock, self));
  tasks.spawn("reloads", reloads.run());
  tasks.spawn("placement", targets.run_placement());
  tasks.spawn("members", targets.run_members());
  tasks.spawn("status page", site.keep_page_live());
  tasks.spawn("service manager", manager.run());
  log::info("started", {{"targets", std::to_string(targets.size())}, {"config_file", config.file}});
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
  if (reading->problems().empty()) found = co_await targets.find_members(reading->loaded.config);
  auto swapped = swap_in(*reading, found);
  self.config_reloaded(swapped.has_value(), clock.wall());
  manager.reloaded(swapped);
  chronicle.on_reload(swapped);
  if (swapped) {
    log::info("configuration reloaded", {{"targets", std::to_string(targets.size())}});
  } else {
    log::error("configuration not reloaded, the old one stays", {{"reason", swapped.error().message()}});
  }
  co_return swapped;
}

/// All or nothing: what can fail comes first, and what was changed is changed back.
Result<void> App::Impl::swap_in(const Readout& reading, std::shared_ptr<members::Targets> found) {
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
  const auto errors = targets.replace(reading.loaded.config);
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
  rules.configure(config, targets.asked_here(config), reading.rules.groups, own_url());
  chronicle.configure(config);
  targets.adopt(config, std::move(found));
  web = next_web;
  return {};
}

/// Before anything else runs, so that the first rounds know whom to ask.
std::shared_ptr<members::Targets> App::Impl::find_members() {
  const auto found = std::make_shared<std::shared_ptr<members::Targets>>();
  async::TaskGroup first(io.get_executor(), bug_sink());
  first.spawn("first members", find_first_members(found));
  while (first.size() > 0) io.run_one();
  io.restart();
  return *found;
}

Task<void> App::Impl::find_first_members(std::shared_ptr<std::shared_ptr<members::Targets>> found) {
  *found = co_await targets.find_members(config);
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
  co_await targets.stop();
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
             {{"rounds", std::to_string(targets.in_flight())}, {"tasks", std::to_string(tasks.size())}});
  log::stop();
  std::_Exit(1);
}

void App::Impl::bug(std::string_view task, const std::string& what) {
  log::error("a task failed, which is a bug: stopping", {{"task", std::string(task)}, {"what", what}});
  self.task_failed(task);
  begin_stop(1);
}

bool App::Impl::ready() {
  return !stop_begun && targets.ready();
}

void App::Impl::refresh() {
  targets.refresh();
  const auto stats = http.stats();
  self.set_http(stats.connections, stats.evicted, stats.accept_failures, stats.timeouts);
  self.set_series(store.series(), store.series_dropped());
  self.set_dns(resolver.lookups_in_flight(), resolver.cache_age(clock.steady()));
  self.set_live_coroutines(async::live_tasks());
  self.set_log_dropped(log::dropped());
  notified.set(notifier.stats(), notifier.silent());
  chronicle.refresh();
  if (reflector) reflections.set(reflections_of(reflector->stats()));
}

std::optional<net::ServerReply> App::Impl::ask_rules(const net::ServerRequest& request) {
  if (auto reply = exporting::runbook_reply(request)) return reply;
  if (auto reply = targets.answer(request)) return reply;
  if (!RuleService::knows(request.path)) return std::nullopt;
  return rules.answer(request);
}

/// A guess that is right in the plain case; `rules.external_url` is for all others.
std::string App::Impl::own_url() const {
  return fmt::format("{}://{}:{}", web.tls ? "https" : "http", host_name(), flags.listen.front().port);
}

ServiceFigures App::Impl::figures() const {
  const auto& alerts = rules.runner().counts();
  return {.targets = targets.size(),
          .answering = targets.answering(),
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
  out.placement = targets.placement();
  return out;
}

}  // namespace qw
