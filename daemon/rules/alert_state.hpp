#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/model/labels.hpp"
#include "daemon/promql/value.hpp"
#include "daemon/rules/rule_file.hpp"
#include "daemon/rules/selectors.hpp"

namespace qw::rules {

enum class AlertState : std::uint8_t { inactive, pending, firing };
/// "inactive", "pending", "firing".
std::string_view name(AlertState state);

/// One alert of a rule: what the expression gave for one label set, and since when. All times are on the
/// daemon's own time line (rule_engine.hpp).
struct ActiveAlert {
  Labels labels;  ///< alertname among them
  Labels annotations;
  double value = 0;
  AlertState state = AlertState::pending;
  Millis active_at = 0;               ///< since when the condition holds
  std::optional<Millis> fired_at;     ///< since when it fires
  std::optional<Millis> resolved_at;  ///< of an inactive one: when it ended
  std::optional<Millis> keep_firing_since;
  /// Since when nobody knows: its condition is not seen, but neither is its target.
  std::optional<Millis> unknown_since;
  /// The labels of those names in the expression's result; empty where it has none.
  std::string system, target;

  bool operator==(const ActiveAlert&) const = default;
};

/// Resolved alerts are kept for this long, so that whoever sends them can repeat it.
inline constexpr Millis kResolvedRetention = 15 * 60 * 1000;

/// A target of the configuration, and whether its last round gave data.
struct TargetHealth {
  std::string system;
  std::string target;
  bool answered = false;
  /// The metric names of its last good round; null: it may have any.
  std::shared_ptr<const std::set<std::string, std::less<>>> names;
};

/// What is known about the data behind a cycle.
struct DataHealth {
  std::vector<TargetHealth> targets;
  /// Since when there is history: the daemon's start. What a rule looks at from before that is missing.
  Millis since = 0;
};

/// The states of all alerts of one rule, as in Prometheus; and, unless it is switched off, an alert whose
/// target did not answer keeps its state.
class AlertStates {
 public:
  explicit AlertStates(RulePtr rule);

  /// One result of the expression with its labels and annotations expanded.
  struct Candidate {
    Labels labels;
    Labels annotations;
    double value = 0;
    std::string system, target;
  };
  /// One evaluation at `at`; health null: no data means that the condition is false. Errors as in Prometheus:
  /// two candidates with the same labels change nothing, more than `limit` alerts forget them all.
  Result<void> update(std::vector<Candidate> candidates, Millis at, std::size_t limit,
                      const DataHealth* health);

  const std::map<Labels, ActiveAlert>& all() const { return alerts_; }
  AlertState state() const;
  /// Rises whenever an alert begins, fires, ends, or its target stops or starts to answer.
  std::uint64_t transitions() const { return transitions_; }
  /// Takes over the alerts of an earlier version of the rule, or of an earlier run.
  void restore(std::vector<ActiveAlert> alerts);
  const Rule& rule() const { return *rule_; }

 private:
  bool is_unknown(const ActiveAlert& alert, Millis at, const DataHealth& health) const;
  bool may_come_from(const ActiveAlert& alert, const TargetHealth& target) const;
  bool keeps_firing(ActiveAlert& alert, Millis at) const;
  enum class Outcome : std::uint8_t { active, ended, gone };
  Outcome present(ActiveAlert& alert, Millis at);
  Outcome missing(ActiveAlert& alert, Millis at, const DataHealth* health);

  RulePtr rule_;
  std::vector<RuleSelector> selectors_;
  bool asks_for_absence_;
  Millis range_;
  std::map<Labels, ActiveAlert> alerts_;
  std::uint64_t transitions_ = 0;
};

}  // namespace qw::rules
