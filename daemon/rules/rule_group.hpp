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
  const promql::Options& options() const { return settings_.promql; }
  static Result<promql::Vector> query(const Rule& rule, const promql::Source& source, Millis at,
                                      const promql::Options& options);
  /// Whether expanding the rule's templates runs queries of its own.
  bool queries_in_templates(std::size_t rule) const;

  /// The result of one rule with its templates expanded. Touches nothing that changes, so that a worker may
  /// make it; `source` is the rule's view, or what was prefetched from it.
  struct Prepared {
    std::string error;
    std::vector<AlertStates::Candidate> candidates;
    std::vector<std::pair<Labels, double>> samples;  ///< of a recording rule
    std::size_t template_failures = 0;
  };
  Prepared prepare(std::size_t rule, const promql::Source& source) const;
  void apply(std::size_t rule, Prepared prepared, const DataHealth& health);
  void set_took(std::size_t rule, Nanoseconds took) { health_[rule].took = took; }

  /// What the cycle wrote, at query_time().
  struct Output {
    std::vector<DerivedSample> samples;
    std::vector<DerivedSeriesPtr> ended;  ///< had a sample in the cycle before and have none now
    std::vector<DerivedSample> held;      ///< of rules that failed: their samples of the cycle before
    std::size_t failures = 0;             ///< rules that failed
    std::size_t template_failures = 0;
  };
  Output finish();

  /// All of it at once, for whoever need not share the loop.
  Output evaluate(const promql::Source& base, Millis at, const DataHealth& health);

  const AlertStates* alerts(std::size_t rule) const { return states_[rule].get(); }
  AlertStates* alerts(std::size_t rule) { return states_[rule].get(); }
  const RuleHealth& health(std::size_t rule) const { return health_[rule]; }
  /// Rises whenever an alert of the group begins, fires, ends, or its target stops or starts to answer.
  std::uint64_t transitions() const;
  bool any_pending() const;

  /// Every series that the group writes now: what the store keeps as its last round.
  std::vector<DerivedSample> current() const;

 private:
  struct Written;

  std::vector<std::pair<Labels, double>> series_of_alerts(std::size_t rule) const;
  void expand(const Rule& rule, const promql::Vector& result, const promql::Source& source,
              Prepared& into) const;
  void record(const Rule& rule, const promql::Vector& result, Prepared& into) const;
  void write(std::size_t rule, std::vector<std::pair<Labels, double>> samples);

  RuleGroup group_;
  GroupSettings settings_;
  Millis at_ = 0;
  std::vector<std::unique_ptr<AlertStates>> states_;  ///< null for recording rules
  std::vector<RuleHealth> health_;
  DerivedFamilies families_;
  std::unique_ptr<Written> written_;
  Output output_;
};

}  // namespace qw::rules
