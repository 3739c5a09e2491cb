#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "daemon/export/own_samples.hpp"
#include "daemon/net/http_server.hpp"
#include "daemon/rule_runner.hpp"
#include "daemon/status/alert_view.hpp"

namespace qw {

/// The rules as a part of the daemon: the runner with all that it needs, and what is asked about it over
/// HTTP.
class RuleService {
 public:
  struct Parts {
    asio::any_io_executor executor;
    const Clock& clock;
    store::Store& store;
    async::WorkerPool& pool;
    prometheus::Registry& registry;
    async::TaskGroup::OnBug on_bug;
    std::function<void(AlertsPtr)> publish;
    /// As RuleRunner's.
    std::function<void(const rules::RuleEngine&, bool restored)> on_alerts;
    /// The daemon's own metrics, which rules see as they see those of targets.
    std::function<std::vector<prometheus::MetricFamily>()> own_metrics;
    std::string folder;  ///< of the state; empty: none is kept
  };
  explicit RuleService(const Parts& parts);

  /// `targets`: those that this daemon asks. `url`: how people reach it, unless the configuration says so.
  void configure(const config::Config& config, const std::vector<TargetId>& targets,
                 std::vector<rules::RuleGroup> groups, const std::string& url);
  void start();
  /// Ends the evaluation and saves the state once more.
  Task<void> stop();

  void on_round(const Round& round) { runner_.on_round(round); }
  void on_removed(const TargetId& target) { runner_.on_removed(target); }
  /// As RuleRunner's.
  void take(const TargetId& target, std::optional<rules::SavedState> alerts) {
    runner_.take(target, std::move(alerts));
  }
  void let_go(const TargetId& target) { runner_.let_go(target); }
  /// The alerts of a target, for a daemon that is to go on with them.
  std::string alerts_of(const TargetId& target) const;
  /// What the service manager is told about.
  const RuleRunner& runner() const { return runner_; }

  /// /api/v1/rules, /api/v1/alerts and /api/v1/explain.
  static bool knows(std::string_view path);
  net::ServerReply answer(const net::ServerRequest& request);
  /// For the status page.
  status::AlertViews alerts() const;

 private:
  net::ServerReply explain(std::string_view query);
  Task<void> remember_own_metrics();

  const Clock& clock_;
  Nanoseconds line_;  ///< wall minus steady time at the start
  promql::StoreIndex index_;
  exporting::RuleMetrics metrics_;
  RuleRunner runner_;
  promql::Options promql_;
  store::Store& store_;
  std::function<std::vector<prometheus::MetricFamily>()> own_metrics_;
  exporting::OwnSamples own_samples_;
  Nanoseconds interval_ = std::chrono::seconds(5);
  async::TaskGroup tasks_;
};

/// Where the state of alerts is kept: the flag, or what systemd says ($STATE_DIRECTORY); empty: nowhere.
std::string state_folder(const std::string& flag);

}  // namespace qw
