#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/promql/evaluator.hpp"
#include "daemon/rules/alert_state.hpp"
#include "daemon/rules/derived_series.hpp"

namespace qw::rules {

/// What all groups have in common. Times are milliseconds on the daemon's time line: wall time at the start,
/// steady time from then on, so that no step of the clock moves them.
struct GroupSettings {
  Millis interval = 60'000;  ///< of groups that name none
  Millis query_offset = 0;   ///< of groups that name none
  promql::Options promql;
  std::shared_ptr<const Labels> external_labels;
  std::string external_url;
  bool keep_without_data = true;  ///< no data is not resolved
};

/// How a rule fared in its last evaluation.
struct RuleHealth {
  std::optional<Millis> at;  ///< nothing: never yet
  std::string error;         ///< empty: it went well
  Nanoseconds took{};        ///< set by whoever has a clock
};

/// A group at work: its rules, one after the other, at one instant. A cycle is begin(), then for each rule
/// prepare() and apply(), then finish(); prepare() alone reads the source.
class ActiveGroup {
 public:
  ActiveGroup(RuleGroup group, GroupSettings settings);
  ~ActiveGroup();
  ActiveGroup(const ActiveGroup&) = delete;
  ActiveGroup& operator=(const ActiveGroup&) = delete;

  const RuleGroup& group() const { return group_; }
  Millis interval() const { return group_.interval.value_or(settings_.interval); }
  std::size_t size() const { return group_.rules.size(); }

  void begin(Millis at);
  Millis query_time() const { return at_ - group_.query_offset.value_or(settings_.query_offset); }
  /// `base` and, for later rules of the group, what earlier ones have written in this cycle.
  std::unique_ptr<const promql::Source> view(const promql::Source& base) const;
  /// The same of one selection.
  promql::Source::Selection view(promql::Source::Selection base, const promql::Ask& ask) const;
  const promql::Options& options() const { return settings_.promql; }
  static Result<promql::Vector> query(const Rule& rule, const promql::Source& source, Millis at,
                                      const promql::Options& options);
  /// Whether expanding the rule's templates runs queries of its own.
  bool queries_in_templates(std::size_t rule) const;

  /// What becomes of one rule, with all that has to be done for it. Making it touches nothing that others may
  /// change meanwhile, so that a worker can; `source` is the rule's view, or what was gathered from it.
  struct Prepared {
    std::string error;
    AlertStatesPtr states;  ///< of an alerting rule; null: they stay
    std::vector<DerivedSample> samples;
    std::vector<DerivedSeriesPtr> ended;
    std::size_t template_failures = 0;
  };
  Prepared prepare(std::size_t rule, const promql::Source& source, const DataHealth& health) const;
  /// The same, of a result that is there already.
  Prepared prepare(std::size_t rule, const Result<promql::Vector>& result, const promql::Source& source,
                   const DataHealth& health) const;
  /// Makes it the state of the rule: cheap. Returns what it takes the place of, as letting go of that is not.
  std::shared_ptr<const void> apply(std::size_t rule, Prepared prepared);
  void set_took(std::size_t rule, Nanoseconds took) { health_[rule].took = took; }

  /// What the cycle wrote, at query_time().
  struct Output {
    std::vector<DerivedSample> samples;
    std::vector<DerivedSeriesPtr> ended;  ///< had a sample in the cycle before and have none now
    std::vector<DerivedSample> held;      ///< of rules that failed: their samples of the cycle before
    std::size_t failures = 0;             ///< rules that failed
    std::size_t template_failures = 0;
    std::shared_ptr<const void> rest;  ///< what is needed no more; letting go of it takes a while
  };
  Output finish();

  /// All of it at once, for whoever need not share the loop.
  Output evaluate(const promql::Source& base, Millis at, const DataHealth& health);

  /// Null for recording rules.
  const AlertStatesPtr& alerts(std::size_t rule) const { return states_[rule]; }
  /// Takes over the alerts of an earlier version of the rule, or of an earlier run.
  void restore(std::size_t rule, std::vector<ActiveAlert> alerts);
  /// As of AlertStates, for one rule and for all.
  void adopt(std::size_t rule, std::vector<ActiveAlert> alerts);
  std::vector<ActiveAlertPtr> let_go(std::string_view system, std::string_view target);
  const RuleHealth& health(std::size_t rule) const { return health_[rule]; }
  /// Rises whenever an alert of the group begins, fires, ends, or its target stops or starts to answer.
  std::uint64_t transitions() const;
  bool any_pending() const;

 private:
  struct Written;

  std::vector<AlertStates::Candidate> expand(std::size_t rule, const promql::Vector& result,
                                             const promql::Source& source, Prepared& into) const;
  void alert(std::size_t rule, std::vector<AlertStates::Candidate> candidates, const promql::Source& source,
             const DataHealth& health, Prepared& into) const;
  void record(std::size_t rule, const promql::Vector& result, Prepared& into) const;
  SeriesThere series_there(const Rule& rule, const ActiveAlert& alert, const promql::Source& source) const;

  RuleGroup group_;
  GroupSettings settings_;
  Millis at_ = 0;
  std::vector<AlertStatesPtr> states_;  ///< null for recording rules
  std::vector<RuleHealth> health_;
  DerivedFamilies families_;
  std::unique_ptr<Written> written_;
  Output output_;
};

}  // namespace qw::rules
