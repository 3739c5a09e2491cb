#pragma once
#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/model/round.hpp"

namespace qw::exporting {

/// What the daemon says of itself (facts/reliability-and-security.md 14), kept in a prometheus-cpp Registry.
/// The loop calls the setters; collect() may run on a worker.
class SelfMetrics {
 public:
  explicit SelfMetrics(const Clock& clock);
  ~SelfMetrics();

  void probe_started(Nanoseconds late);                          ///< quorumwatch_probe_start_lateness_seconds
  void rounds_missed(const TargetId& id, std::uint64_t rounds);  ///< quorumwatch_probe_rounds_missed_total
  /// quorumwatch_probe_rounds_total, _round_failures_total{reason}, _members_unanswered_total{reason},
  /// _duration_seconds, _last_success_timestamp_seconds and so on, by target.
  void round_finished(const Round& round);
  void target_removed(const TargetId& id);
  void loop_lag(Nanoseconds lag);           ///< quorumwatch_event_loop_lag_seconds
  void wall_clock_jumped(Nanoseconds by);   ///< quorumwatch_wall_clock_jumps_total
  void task_failed(std::string_view task);  ///< quorumwatch_coroutine_failures_total
  void config_reloaded(
      bool successful,
      WallTime at);  ///< quorumwatch_config_last_reload_{successful,success_timestamp_seconds}
  void set_targets(std::size_t targets, std::size_t in_flight);
  void set_http(std::size_t connections, std::uint64_t evicted, std::uint64_t accept_failures,
                std::uint64_t timeouts);
  void set_series(std::size_t series, std::uint64_t dropped);
  void set_dns(std::size_t lookups, std::optional<Nanoseconds> cache_age);
  void set_live_coroutines(std::size_t tasks);
  void set_log_dropped(std::uint64_t lines);

  /// All families, process_* and build_info included, read from the system at the time of the call.
  std::vector<prometheus::MetricFamily> collect() const;
  prometheus::Registry& registry();
  /// name, type and help of each family, for the metric reference.
  static std::vector<MetricFamily> families();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
