#include "daemon/export/self_metrics.hpp"

#include <fmt/format.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "daemon/base/version.hpp"
#include "daemon/export/own_registry.hpp"
#include "daemon/export/process_metrics.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kBuildInfo{"quorumwatch_build_info", gauge,
                                  "Always 1; its labels say which program this is.",
                                  "version revision compiler"};
constexpr MetricFamily kConfigSuccessful{"quorumwatch_config_last_reload_successful", gauge,
                                         "Whether the last attempt to load the configuration succeeded.", ""};
constexpr MetricFamily kConfigTimestamp{"quorumwatch_config_last_reload_success_timestamp_seconds", gauge,
                                        "When the configuration was last loaded with success.", ""};
constexpr MetricFamily kTaskFailures{"quorumwatch_coroutine_failures_total", counter,
                                     "Tasks that an escaped exception ended: each is a bug.", ""};
constexpr MetricFamily kDnsCacheAge{
    "quorumwatch_dns_cache_age_seconds", gauge,
    "How long ago the oldest name that still serves was answered; absent while none does.", ""};
constexpr MetricFamily kDnsInFlight{"quorumwatch_dns_in_flight", gauge, "Name look-ups under way.", ""};
constexpr MetricFamily kLoopLag{
    "quorumwatch_event_loop_lag_seconds", histogram,
    "How late the event loop ran a timer: the time in which nothing else could run.", ""};
constexpr MetricFamily kLiveCoroutines{
    "quorumwatch_live_coroutines", gauge,
    "Tasks that have not ended: one a connection, one a round, and those of the daemon itself.", ""};
constexpr MetricFamily kHttpAcceptFailures{"quorumwatch_http_accept_failures_total", counter,
                                           "Clients that could not be accepted for want of descriptors.", ""};
constexpr MetricFamily kHttpConnections{"quorumwatch_http_connections", gauge, "Clients that are connected.",
                                        ""};
constexpr MetricFamily kHttpEvicted{"quorumwatch_http_evicted_total", counter,
                                    "Clients that were closed or refused to make room.", ""};
constexpr MetricFamily kHttpTimeouts{"quorumwatch_http_timeouts_total", counter,
                                     "Clients that were closed because they sent or read too slowly.", ""};
constexpr MetricFamily kLogDropped{"quorumwatch_log_dropped_total", counter,
                                   "Log lines lost because their reader was too slow.", ""};
constexpr MetricFamily kDuration{"quorumwatch_probe_duration_seconds", gauge, "How long the last round took.",
                                 "system target"};
constexpr MetricFamily kLastSuccess{"quorumwatch_probe_last_success_timestamp_seconds", gauge,
                                    "When the last successful round began; absent before the first one.",
                                    "system target"};
constexpr MetricFamily kUnanswered{"quorumwatch_probe_members_unanswered_total", counter,
                                   "Members that could not be asked, each time that happened.",
                                   "system target reason"};
constexpr MetricFamily kFailures{"quorumwatch_probe_round_failures_total", counter,
                                 "Rounds in which no member could be asked.", "system target reason"};
constexpr MetricFamily kMissed{"quorumwatch_probe_rounds_missed_total", counter,
                               "Rounds left out because the one before was still under way.",
                               "system target"};
constexpr MetricFamily kRounds{"quorumwatch_probe_rounds_total", counter, "Rounds that ended.",
                               "system target"};
constexpr MetricFamily kLateness{"quorumwatch_probe_start_lateness_seconds", histogram,
                                 "How long after its due time a round began.", ""};
constexpr MetricFamily kInFlight{"quorumwatch_probes_in_flight", gauge, "Rounds under way.", ""};
constexpr MetricFamily kSeries{"quorumwatch_series", gauge, "Time series of all targets together.", ""};
constexpr MetricFamily kSeriesDropped{"quorumwatch_series_dropped_total", counter,
                                      "Samples left out because there were too many series.", ""};
constexpr MetricFamily kTargets{"quorumwatch_targets", gauge, "Targets that are being watched.", ""};
constexpr MetricFamily kLastJump{
    "quorumwatch_wall_clock_last_jump_seconds", gauge,
    "By how much the last jump moved the local wall clock; absent before the first one.", ""};
constexpr MetricFamily kJumps{"quorumwatch_wall_clock_jumps_total", counter,
                              "How often the local wall clock left the monotonic one.", ""};

constexpr std::array kFamilies{kBuildInfo,
                               kConfigSuccessful,
                               kConfigTimestamp,
                               kTaskFailures,
                               kDnsInFlight,
                               kLoopLag,
                               kHttpAcceptFailures,
                               kHttpConnections,
                               kHttpEvicted,
                               kHttpTimeouts,
                               kLogDropped,
                               kDuration,
                               kLastSuccess,
                               kUnanswered,
                               kFailures,
                               kMissed,
                               kRounds,
                               kLateness,
                               kInFlight,
                               kDnsCacheAge,
                               kLiveCoroutines,
                               kSeries,
                               kSeriesDropped,
                               kTargets,
                               kLastJump,
                               kJumps};

/// From 100 us, what a quiet machine shows, to 10 s, after which the watchdog has ended us.
prometheus::Histogram& add_lateness(prometheus::Registry& registry, const MetricFamily& family) {
  const prometheus::Histogram::BucketBoundaries bounds{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return prometheus::BuildHistogram()
      .Name(std::string(family.name))
      .Help(std::string(family.help))
      .Register(registry)
      .Add({}, bounds);
}

/// Why a whole round failed: what most of its members failed with.
ErrorKind main_reason(const Round& round) {
  std::map<ErrorKind, int> seen;
  for (const auto& unanswered : round.facts.unanswered) ++seen[unanswered.error.kind()];
  const auto most = std::ranges::max_element(seen, {}, [](const auto& pair) { return pair.second; });
  return most == seen.end() ? ErrorKind::internal : most->first;
}

}  // namespace

struct SelfMetrics::Impl {
  /// The series of one target, so that they can be taken away together with it.
  struct Target {
    prometheus::Labels labels;
    std::map<ErrorKind, prometheus::Counter*> failures;
    std::map<ErrorKind, prometheus::Counter*> unanswered;
    prometheus::Counter* missed = nullptr;
    prometheus::Counter* rounds = nullptr;
    prometheus::Gauge* duration = nullptr;
    prometheus::Gauge* last_success = nullptr;
  };

  explicit Impl(const Clock& clock) : start_time(process_start_time(clock)) {
    add_gauge(registry, kBuildInfo)
        .Add({{"version", std::string(version())},
              {"revision", std::string(revision())},
              {"compiler",
               fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__)}})
        .Set(1);
  }

  Target& target(const TargetId& id) {
    const auto [found, is_new] = targets_by_id.try_emplace(id);
    auto& target = found->second;
    if (is_new) {
      target.labels = {{"system", id.system}, {"target", id.name}};
      target.rounds = &rounds.Add(target.labels);
      target.missed = &missed.Add(target.labels);
    }
    return target;
  }

  static void count(CounterFamily& family, const Target& target,
                    std::map<ErrorKind, prometheus::Counter*>& counters, ErrorKind kind) {
    auto& counter = counters[kind];
    if (counter == nullptr) {
      auto labels = target.labels;
      labels.emplace("reason", name(kind));
      counter = &family.Add(labels);
    }
    counter->Increment();
  }

  double start_time;
  prometheus::Registry registry;
  // In order of the class's setters; each family is registered once and lives as long as the registry.
  prometheus::Histogram& lateness = add_lateness(registry, kLateness);
  CounterFamily& missed = add_counter(registry, kMissed);
  CounterFamily& rounds = add_counter(registry, kRounds);
  CounterFamily& failures = add_counter(registry, kFailures);
  CounterFamily& unanswered = add_counter(registry, kUnanswered);
  GaugeFamily& durations = add_gauge(registry, kDuration);
  GaugeFamily& last_successes = add_gauge(registry, kLastSuccess);
  prometheus::Histogram& loop_lag = add_lateness(registry, kLoopLag);
  prometheus::Counter& jumps = add_counter(registry, kJumps).Add({});
  GaugeFamily& last_jump = add_gauge(registry, kLastJump);
  prometheus::Counter& task_failures = add_counter(registry, kTaskFailures).Add({});
  GaugeFamily& config_successful = add_gauge(registry, kConfigSuccessful);
  GaugeFamily& config_timestamp = add_gauge(registry, kConfigTimestamp);
  prometheus::Gauge& targets = add_gauge(registry, kTargets).Add({});
  prometheus::Gauge& in_flight = add_gauge(registry, kInFlight).Add({});
  prometheus::Gauge& http_connections = add_gauge(registry, kHttpConnections).Add({});
  prometheus::Counter& http_evicted = add_counter(registry, kHttpEvicted).Add({});
  prometheus::Counter& http_accept_failures = add_counter(registry, kHttpAcceptFailures).Add({});
  prometheus::Counter& http_timeouts = add_counter(registry, kHttpTimeouts).Add({});
  prometheus::Gauge& series = add_gauge(registry, kSeries).Add({});
  prometheus::Counter& series_dropped = add_counter(registry, kSeriesDropped).Add({});
  prometheus::Gauge& dns_in_flight = add_gauge(registry, kDnsInFlight).Add({});
  prometheus::Family<prometheus::Gauge>& dns_cache_age = add_gauge(registry, kDnsCacheAge);
  prometheus::Gauge* dns_cache_age_now = nullptr;  ///< of the family before
  prometheus::Gauge& live_coroutines = add_gauge(registry, kLiveCoroutines).Add({});
  prometheus::Counter& log_dropped = add_counter(registry, kLogDropped).Add({});
  std::map<TargetId, Target> targets_by_id;
};

SelfMetrics::SelfMetrics(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
SelfMetrics::~SelfMetrics() = default;

void SelfMetrics::probe_started(Nanoseconds late) {
  impl_->lateness.Observe(seconds(late));
}

void SelfMetrics::rounds_missed(const TargetId& id, std::uint64_t rounds) {
  impl_->target(id).missed->Increment(static_cast<double>(rounds));
}

void SelfMetrics::round_finished(const Round& round) {
  auto& target = impl_->target(round.target);
  target.rounds->Increment();
  if (target.duration == nullptr) target.duration = &impl_->durations.Add(target.labels);
  target.duration->Set(seconds(round.finished - round.started));
  for (const auto& member : round.facts.unanswered) {
    Impl::count(impl_->unanswered, target, target.unanswered, member.error.kind());
  }
  if (!round.success) {
    Impl::count(impl_->failures, target, target.failures, main_reason(round));
    return;
  }
  if (target.last_success == nullptr) target.last_success = &impl_->last_successes.Add(target.labels);
  target.last_success->Set(seconds(round.at));
}

void SelfMetrics::target_removed(const TargetId& id) {
  const auto found = impl_->targets_by_id.find(id);
  if (found == impl_->targets_by_id.end()) return;
  const auto& target = found->second;
  impl_->rounds.Remove(target.rounds);
  impl_->missed.Remove(target.missed);
  if (target.duration != nullptr) impl_->durations.Remove(target.duration);
  if (target.last_success != nullptr) impl_->last_successes.Remove(target.last_success);
  for (const auto& [kind, counter] : target.failures) impl_->failures.Remove(counter);
  for (const auto& [kind, counter] : target.unanswered) impl_->unanswered.Remove(counter);
  impl_->targets_by_id.erase(found);
}

void SelfMetrics::loop_lag(Nanoseconds lag) {
  impl_->loop_lag.Observe(seconds(lag));
}

void SelfMetrics::wall_clock_jumped(Nanoseconds by) {
  impl_->jumps.Increment();
  impl_->last_jump.Add({}).Set(seconds(by));
}

void SelfMetrics::task_failed(std::string_view) {
  impl_->task_failures.Increment();
}

void SelfMetrics::config_reloaded(bool successful, WallTime at) {
  impl_->config_successful.Add({}).Set(successful ? 1 : 0);
  if (successful) impl_->config_timestamp.Add({}).Set(seconds(at));
}

void SelfMetrics::set_targets(std::size_t targets, std::size_t in_flight) {
  impl_->targets.Set(static_cast<double>(targets));
  impl_->in_flight.Set(static_cast<double>(in_flight));
}

void SelfMetrics::set_http(std::size_t connections, std::uint64_t evicted, std::uint64_t accept_failures,
                           std::uint64_t timeouts) {
  impl_->http_connections.Set(static_cast<double>(connections));
  raise_to(impl_->http_evicted, evicted);
  raise_to(impl_->http_accept_failures, accept_failures);
  raise_to(impl_->http_timeouts, timeouts);
}

void SelfMetrics::set_series(std::size_t series, std::uint64_t dropped) {
  impl_->series.Set(static_cast<double>(series));
  raise_to(impl_->series_dropped, dropped);
}

void SelfMetrics::set_dns(std::size_t lookups, std::optional<Nanoseconds> cache_age) {
  impl_->dns_in_flight.Set(static_cast<double>(lookups));
  auto& gauge = impl_->dns_cache_age_now;
  if (cache_age) {
    gauge = &impl_->dns_cache_age.Add({});
    gauge->Set(seconds(*cache_age));
  } else if (gauge) {
    impl_->dns_cache_age.Remove(std::exchange(gauge, nullptr));
  }
}

void SelfMetrics::set_live_coroutines(std::size_t tasks) {
  impl_->live_coroutines.Set(static_cast<double>(tasks));
}

void SelfMetrics::set_log_dropped(std::uint64_t lines) {
  raise_to(impl_->log_dropped, lines);
}

std::vector<prometheus::MetricFamily> SelfMetrics::collect() const {
  auto families = impl_->registry.Collect();
  auto process = collect_process_metrics(impl_->start_time);
  std::ranges::move(process, std::back_inserter(families));
  return families;
}

prometheus::Registry& SelfMetrics::registry() {
  return impl_->registry;
}

std::vector<MetricFamily> SelfMetrics::families() {
  std::vector<MetricFamily> all(kFamilies.begin(), kFamilies.end());
  const auto process = process_families();
  all.insert(all.end(), process.begin(), process.end());
  std::ranges::sort(all, {}, &MetricFamily::name);
  return all;
}

}  // namespace qw::exporting
