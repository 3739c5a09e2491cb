#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/async/worker.hpp"
#include "daemon/export/rule_metrics.hpp"
#include "daemon/model/alert.hpp"
#include "daemon/model/round.hpp"
#include "daemon/promql/store_source.hpp"
#include "daemon/rules/rule_engine.hpp"
#include "daemon/state_store.hpp"
#include "daemon/store/store.hpp"

namespace qw {

/// Evaluates the rules on the loop: each group on its interval and right after the rounds that it looks at.
/// One group at a time, and between two rules others get their turn; what takes long is done by a worker.
/// Saves the state of alerts, and restores it at the start.
class RuleRunner {
 public:
  struct Parts {
    asio::any_io_executor executor;
    const Clock& clock;
    store::Store& store;
    promql::StoreIndex& index;  ///< of `store`
    /// What makes the daemon's time line of steady time; chosen at the start, and never changed.
    Nanoseconds line;
    async::WorkerPool& pool;
    exporting::RuleMetrics& metrics;
    std::function<void(AlertsPtr)> publish;
  };
  RuleRunner(Parts parts, StateStore state);

  /// Takes effect before the next evaluation.
  void configure(std::vector<rules::RuleGroup> groups, rules::GroupSettings settings,
                 const std::vector<TargetId>& targets);
  void on_round(const Round& round);
  void on_removed(const TargetId& target);

  /// Evaluates until it is cancelled.
  Task<void> run();
  /// Saves what changes until it is cancelled.
  Task<void> save_changes();
  /// The last save, after both have ended.
  Task<void> save_last();

  const rules::RuleEngine& engine() const { return engine_; }
  /// What makes wall time of the time line now.
  Nanoseconds wall_offset() const { return offset_; }

 private:
  struct Due {
    SteadyTime at;       ///< the next evaluation
    SteadyTime regular;  ///< the one of the interval
    std::optional<SteadyTime> last;
  };
  struct TargetState {
    bool answered = false;
    std::shared_ptr<const std::set<std::string, std::less<>>> names;
    const PageLayout* layout = nullptr;  ///< of which `names` and `groups` are; compared, never followed
    PageLayoutPtr kept;
    std::vector<std::size_t> groups;
  };
  struct Configuration {
    std::vector<rules::RuleGroup> groups;
    rules::GroupSettings settings;
    std::vector<TargetId> targets;
  };

  void apply_configuration();
  Task<void> restore();
  Task<void> cycle(std::size_t group);
  Task<void> evaluate(std::size_t group, std::size_t rule, const rules::DataHealth& health);
  rules::DataHealth health() const;
  void finish(std::size_t group, SteadyTime started, std::size_t missed);
  void publish_series(const rules::ActiveGroup& group, const rules::ActiveGroup::Output& output,
                      SteadyTime started);
  void publish_alerts(bool at_once);
  void want_save();
  Task<bool> wait_until(asio::steady_timer& timer, SteadyTime time);
  rules::Millis at(SteadyTime time) const;
  Nanoseconds wall_now() const;
  rules::Millis now() const { return at(parts_.clock.steady()); }
  static std::string name_of(const rules::ActiveGroup& group);
  static TargetId id_of(const rules::ActiveGroup& group);

  Parts parts_;
  StateStore state_;
  rules::RuleEngine engine_;
  rules::Millis since_;
  Nanoseconds offset_;
  std::optional<Configuration> next_;
  std::vector<Due> due_;
  std::map<TargetId, TargetState> targets_;
  std::map<TargetId, std::uint64_t> rounds_;  ///< of the groups
  asio::steady_timer changed_;                ///< cancelled when something became due
  asio::steady_timer save_wanted_;            ///< cancelled when something is to be saved
  bool save_ = false;
  bool restored_ = false;
  bool evaluating_ = false;
  std::uint64_t seen_ = 0;  ///< transitions of which the notifier and the save know
  SteadyTime published_;
  SteadyTime save_failure_logged_;
  SteadyTime saved_;
};

}  // namespace qw
