#pragma once
#include <array>
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
#include "daemon/rule_data.hpp"
#include "daemon/rules/rule_engine.hpp"
#include "daemon/state_store.hpp"
#include "daemon/store/store.hpp"

namespace qw {

/// Evaluates the rules: each group on its interval and right after the rounds that it looks at. One group at
/// a time; the loop is held for a millisecond or two at most, and what takes longer is done by a worker.
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
    /// After each change of an alert; `restored`: they are those of an earlier run. Reads only. Null: nobody
    /// wants to know.
    std::function<void(const rules::RuleEngine&, bool restored)> on_alerts = nullptr;
  };
  RuleRunner(Parts parts, StateStore state);

  /// Takes effect before the next evaluation. `history`: what is kept for queries, besides what rules need.
  void configure(std::vector<rules::RuleGroup> groups, rules::GroupSettings settings,
                 const std::vector<TargetId>& targets, Nanoseconds history = {});
  void on_round(const Round& round);
  void on_removed(const TargetId& target);
  /// This daemon asks the target from now on, with the alerts that another one had; nothing: none are known.
  /// Takes effect before the next evaluation, as the following does.
  void take(const TargetId& target, std::optional<rules::SavedState> alerts);
  /// Another daemon asks the target from now on, and tells of its alerts. Its series are forgotten, too.
  void let_go(const TargetId& target);

  /// Evaluates until it is cancelled.
  Task<void> run();
  /// Saves what changes until it is cancelled.
  Task<void> save_changes();
  /// The last save, after both have ended.
  Task<void> save_last();

  const rules::RuleEngine& engine() const { return engine_; }
  /// As of the last evaluation.
  const rules::AlertView::Counts& counts() const { return counts_; }
  /// Since when one rule, or what follows it, is worked on; nothing: all rest.
  std::optional<SteadyTime> working_since() const { return working_; }
  /// Since when a save is under way; nothing: none is.
  std::optional<SteadyTime> saving_since() const { return saving_; }
  /// The present on the time line.
  rules::Millis now() const { return at(parts_.clock.steady()); }
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
    std::set<std::string, std::less<>> silent;
    std::optional<rules::Millis> taken_at;
  };
  struct HandOver {
    TargetId target;
    bool taken = false;  ///< otherwise let go
    std::optional<rules::SavedState> alerts;
  };
  struct Configuration {
    std::vector<rules::RuleGroup> groups;
    rules::GroupSettings settings;
    std::vector<TargetId> targets;
    Nanoseconds history;
  };

  void hand_over(HandOver what);
  void apply_hand_overs();
  void apply_configuration();
  Task<void> restore();
  Task<void> cycle(std::size_t group);
  using Health = std::shared_ptr<const rules::DataHealth>;
  using Prepared = std::shared_ptr<rules::ActiveGroup::Prepared>;
  Task<void> evaluate(std::size_t group, std::size_t rule, Health health);
  Task<void> prepare(std::size_t group, std::size_t rule, std::shared_ptr<const promql::Gathered> from,
                     Health health, Prepared into);
  const Health& health();
  Task<void> finish(std::size_t group, SteadyTime started, std::size_t missed);
  Task<void> publish_series(const rules::ActiveGroup& group, const rules::ActiveGroup::Output& output,
                            SteadyTime started);
  Task<void> empty_trash();
  Task<void> publish_alerts(bool at_once);
  void want_save();
  Task<bool> wait_until(asio::steady_timer& timer, SteadyTime time);
  rules::Millis at(SteadyTime time) const;
  Nanoseconds wall_now() const;
  static std::string name_of(const rules::ActiveGroup& group);
  static TargetId id_of(const rules::ActiveGroup& group);
  static TargetId id_of(const TargetId& group, std::size_t part);

  Parts parts_;
  StateStore state_;
  rules::RuleEngine engine_;
  RuleData data_;
  rules::Millis since_;
  Nanoseconds offset_;
  std::optional<Configuration> next_;
  std::vector<HandOver> hand_overs_;  ///< that wait for the end of an evaluation
  std::vector<Due> due_;
  std::map<TargetId, TargetState> targets_;
  /// What a group has written, in parts of which each alert's series are in one, so that none is large.
  struct Written {
    std::uint64_t rounds = 0;
    std::array<bool, 64> parts{};  ///< those that have series
  };
  std::map<TargetId, Written> written_;  ///< of the groups
  /// Letting go of much takes its time too: it is left to a worker.
  std::vector<std::shared_ptr<const void>> trash_;
  asio::steady_timer changed_;      ///< cancelled when something became due
  asio::steady_timer save_wanted_;  ///< cancelled when something is to be saved
  bool save_ = false;
  bool restored_ = false;
  bool evaluating_ = false;
  bool publish_ = false;  ///< alerts changed by a new configuration
  Health health_;         ///< null: it changed
  std::shared_ptr<rules::AlertView::Made> made_ = std::make_shared<rules::AlertView::Made>();
  std::uint64_t seen_ = 0;  ///< transitions of which the notifier and the save know
  SteadyTime published_;
  SteadyTime save_failure_logged_;
  SteadyTime saved_;
  rules::AlertView::Counts counts_;
  std::optional<SteadyTime> working_;
  std::optional<SteadyTime> saving_;
};

}  // namespace qw
