#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/model/alert.hpp"
#include "daemon/model/round.hpp"
#include "daemon/rules/rule_group.hpp"
#include "daemon/rules/state_file.hpp"

namespace qw::rules {

/// An alert that another daemon goes on with.
struct HandedOver {
  ActiveAlertPtr alert;
  Millis at = 0;
};

/// All alerts at one instant, which nothing changes any more: a worker can look at them while rules go on.
class AlertView {
 public:
  /// Alerts as they were made for Alertmanager, so that those which did not change need not be made anew.
  using Made = std::unordered_map<const ActiveAlert*, std::pair<ActiveAlertPtr, AlertPtr>>;
  /// What fires and what ended lately, for Alertmanager. `offset` is what makes wall time of the time line;
  /// `made` is of the same offset, and then of this view.
  std::vector<AlertPtr> alerts(Millis now, Nanoseconds offset, Made& made) const;

  struct Counts {
    std::size_t pending = 0, firing = 0, unknown = 0;
  };
  Counts count() const;
  SavedState save(Millis now) const;
  /// The same of the pending and firing alerts of one target, for another daemon.
  SavedState save(Millis now, const TargetId& target) const;

 private:
  friend class RuleEngine;
  struct OfRule {
    std::shared_ptr<const ActiveGroup> group;
    AlertStatesPtr states;
  };
  std::vector<OfRule> rules_;  ///< those that have alerts
  std::vector<ActiveAlertPtr> orphans_;
  std::vector<HandedOver> handed_over_;
  std::string external_url_;
};

/// All groups, what became of rules that are no longer there, and who depends on which target. Pure: whoever
/// runs it brings the time and the samples.
class RuleEngine {
 public:
  /// Takes the rules of a new configuration. Groups that did not change go on as they are; alerts of the
  /// others are found again by the names of group and rule and by the rule's labels; those of rules that are
  /// gone end now.
  void replace(std::vector<RuleGroup> groups, const GroupSettings& settings, Millis now);

  std::size_t size() const { return groups_.size(); }
  ActiveGroup& group(std::size_t i) { return *groups_[i]; }
  const ActiveGroup& group(std::size_t i) const { return *groups_[i]; }
  /// For a worker that prepares a rule: the group may be replaced meanwhile.
  std::shared_ptr<const ActiveGroup> share(std::size_t i) const { return groups_[i]; }
  std::size_t rules() const;

  /// The groups that look at series which a target has: to be evaluated right after its rounds. `names`: the
  /// metric names of its last rounds.
  std::vector<std::size_t> groups_of(const TargetId& target,
                                     const std::set<std::string, std::less<>>& names) const;
  /// How far back the rules look, lookback included: what the store must keep.
  Millis reach() const;

  /// What all alerts are at one instant.
  AlertView view() const;
  /// Of view().
  std::vector<AlertPtr> alerts(Millis now, Nanoseconds offset) const;
  SavedState save(Millis now) const { return view().save(now); }
  /// Takes over what an earlier run knew, already resumed (resume_state). Alerts of rules that are gone end
  /// now.
  void restore(SavedState state, Millis now);
  /// Goes on with the alerts of a target that another daemon asked until now, already resumed. Those of other
  /// targets are left out.
  void adopt(SavedState state, const TargetId& target);
  /// Another daemon asks the target from now on: its alerts are forgotten, and have not ended.
  void let_go(const TargetId& target, Millis now);
  /// Those that were let go lately and are not here again.
  bool is_handed_over(const Labels& alert) const;
  /// Rises with every transition of an alert.
  std::uint64_t transitions() const;
  bool any_pending() const;

 private:
  /// By group, rule and labels; several where rules are the same.
  using Known = std::multimap<std::tuple<std::string, std::string, std::string>, std::vector<ActiveAlert>>;
  void hand_over(Known known, Millis now);

  GroupSettings settings_;
  std::vector<std::shared_ptr<ActiveGroup>> groups_;
  std::vector<std::vector<RuleSelector>> selectors_;  ///< of each group
  /// Alerts of rules that are gone: ended, and kept as long as others that ended.
  std::vector<ActiveAlertPtr> orphans_;
  std::vector<HandedOver> handed_over_;
  std::uint64_t transitions_ = 0;  ///< of groups that are gone
};

}  // namespace qw::rules
