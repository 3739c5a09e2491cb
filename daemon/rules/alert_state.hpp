#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/model/labels.hpp"
#include "daemon/promql/value.hpp"
#include "daemon/rules/derived_series.hpp"
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
using ActiveAlertPtr = std::shared_ptr<const ActiveAlert>;

/// Resolved alerts are kept for this long, so that whoever sends them can repeat it.
inline constexpr Millis kResolvedRetention = 15 * 60 * 1000;
/// An alert that was raised by another daemon is not over before its target was watched here for so long, and
/// for as long as the rule looks back or waits: what it takes to raise it, it takes to deny it.
inline constexpr Millis kLeastWatched = 60 * 1000;

/// A target of the configuration, and whether its last round gave data.
struct TargetHealth {
  std::string system;
  std::string target;
  bool answered = false;
  /// The metric names of its last good round; null: it may have any.
  std::shared_ptr<const std::set<std::string, std::less<>>> names;
  /// Members that its last round asked and that did not answer.
  std::set<std::string, std::less<>> silent = {};
  /// Since when this daemon asks the target, where another one asked it before; nothing: from the start.
  std::optional<Millis> taken_at = std::nullopt;
};

/// What is known about the data behind a cycle.
struct DataHealth {
  std::vector<TargetHealth> targets;
  /// Since when there is history: the daemon's start. What a rule looks at from before that is missing.
  Millis since = 0;
};

/// Which of a rule's series are there, as far as their labels agree with those of an alert.
enum class SeriesThere : std::uint8_t { all, some, none };

/// The states of all alerts of one rule, as in Prometheus; and, unless it is switched off, an alert whose
/// target or member did not answer keeps its state. Copies share their alerts, none of which ever changes:
/// one copy can be read while the next evaluation makes another.
class AlertStates {
 public:
  explicit AlertStates(RulePtr rule);

  /// One result of the expression with its labels and annotations expanded.
  struct Candidate {
    Labels labels;
    Labels annotations;
    double value = 0;
    std::string system, target;
    Labels source = {};       ///< the labels of the result
    bool incomplete = false;  ///< expanding a template failed
    /// Where in all() the alert of these labels stands, if that is known; then `labels` may be empty.
    std::optional<std::size_t> known = std::nullopt;
    bool same_annotations = false;  ///< as the known one has; then `annotations` may be empty
  };
  /// Whether the series that an alert may come from are there.
  using Look = std::function<SeriesThere(const ActiveAlert&)>;
  /// One evaluation at `at`; health null: no data means that the condition is false. Errors as in Prometheus:
  /// two candidates with the same labels change nothing, more than `limit` alerts forget them all.
  Result<void> update(std::vector<Candidate> candidates, Millis at, std::size_t limit,
                      const DataHealth* health, const Look& look = nullptr);

  struct Entry {
    ActiveAlertPtr alert;
    std::shared_ptr<const Labels> source;  ///< of the result that it came from; null: not known
    bool incomplete = false;
    struct Series {
      DerivedSeriesPtr pending, firing, for_state, unknown;
    };
    std::shared_ptr<const Series> series;  ///< what it writes; null: nothing so far
  };
  /// In order of labels.
  const std::vector<Entry>& all() const { return alerts_; }
  const ActiveAlert* find(const Labels& labels) const;
  /// The alert that came from a result of these labels, where results come in about the same order each time.
  /// `cursor`: 0 for the first result, then handed on from one to the next.
  std::optional<std::size_t> recall(std::size_t& cursor, const Labels& source) const;
  /// What the active alerts write: ALERTS, ALERTS_FOR_STATE, and which are unknown.
  std::vector<DerivedSample> write(const DerivedFamilies& families);

  AlertState state() const;
  bool any_pending() const;
  /// Rises whenever an alert begins, fires, ends, or its target stops or starts to answer.
  std::uint64_t transitions() const { return transitions_; }
  /// Takes over the alerts of an earlier version of the rule, or of an earlier run.
  void restore(std::vector<ActiveAlert> alerts);
  /// Goes on with alerts of another daemon, but for those that are known here.
  void adopt(std::vector<ActiveAlert> alerts);
  /// Forgets the pending and firing alerts of a target, and returns them: another daemon goes on with them.
  std::vector<ActiveAlertPtr> let_go(std::string_view system, std::string_view target);
  const Rule& rule() const { return *rule_; }
  const std::vector<RuleSelector>& selectors() const { return *selectors_; }

 private:
  std::size_t place_of(const Labels& labels) const;
  bool is_unknown(const ActiveAlert& alert, Millis at, const DataHealth& health, const Look& look) const;
  bool is_too_new(const ActiveAlert& alert, const TargetHealth& target, Millis at) const;
  bool may_come_from(const ActiveAlert& alert, const TargetHealth& target) const;
  bool keeps_firing(ActiveAlert& alert, Millis at) const;
  enum class Outcome : std::uint8_t { active, ended, gone };
  void take(Entry& entry, Candidate& candidate, Millis at);
  Outcome present(ActiveAlert& alert, Millis at);
  Outcome missing(ActiveAlert& alert, Millis at, const DataHealth* health, const Look& look);

  RulePtr rule_;
  std::shared_ptr<const std::vector<RuleSelector>> selectors_;
  bool asks_for_absence_;
  Millis range_;
  std::vector<Entry> alerts_;
  /// The alert of each candidate of the last update, in their order.
  std::vector<std::uint32_t> order_;
  std::uint64_t transitions_ = 0;
};
using AlertStatesPtr = std::shared_ptr<const AlertStates>;

}  // namespace qw::rules
