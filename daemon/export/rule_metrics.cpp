#include "daemon/export/rule_metrics.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "daemon/export/own_registry.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kAlerts{"quorumwatch_alerts", gauge,
                               "Alerts by state; unknown ones are pending or firing too.", "state"};
constexpr MetricFamily kCorrupt{"quorumwatch_alert_state_corrupt_total", counter,
                                "Files with the state of alerts that could not be read and were set aside.",
                                ""};
constexpr MetricFamily kSaveDuration{"quorumwatch_alert_state_save_duration_seconds", gauge,
                                     "How long the last save of the state of alerts took.", ""};
constexpr MetricFamily kSaveErrors{"quorumwatch_alert_state_save_errors_total", counter,
                                   "Saves of the state of alerts that failed.", ""};
constexpr MetricFamily kSaved{"quorumwatch_alert_state_last_save_timestamp_seconds", gauge,
                              "When the state of alerts was last saved; 0 before the first time.", ""};
constexpr MetricFamily kFailures{"quorumwatch_rule_evaluation_failures_total", counter,
                                 "Evaluations of rules that failed.", "rule_group"};
constexpr MetricFamily kEvaluations{"quorumwatch_rule_evaluations_total", counter, "Evaluations of rules.",
                                    "rule_group"};
constexpr MetricFamily kInterval{"quorumwatch_rule_group_interval_seconds", gauge,
                                 "How often the group is evaluated at least.", "rule_group"};
constexpr MetricFamily kMissed{"quorumwatch_rule_group_iterations_missed_total", counter,
                               "Evaluations of the group that came a whole interval late.", "rule_group"};
constexpr MetricFamily kIterations{"quorumwatch_rule_group_iterations_total", counter,
                                   "Evaluations of the group.", "rule_group"};
constexpr MetricFamily kDuration{"quorumwatch_rule_group_last_duration_seconds", gauge,
                                 "How long the last evaluation of the group took.", "rule_group"};
constexpr MetricFamily kLast{"quorumwatch_rule_group_last_evaluation_timestamp_seconds", gauge,
                             "When the group was last evaluated.", "rule_group"};
constexpr MetricFamily kRules{"quorumwatch_rule_group_rules", gauge, "Rules of the group.", "rule_group"};
constexpr MetricFamily kTemplates{"quorumwatch_template_text_expansion_failures_total", counter,
                                  "Labels and annotations whose template could not be expanded.", ""};
constexpr std::array kFamilies{kAlerts,   kCorrupt,     kSaveDuration, kSaveErrors, kSaved,
                               kFailures, kEvaluations, kInterval,     kMissed,     kIterations,
                               kDuration, kLast,        kRules,        kTemplates};

}  // namespace

struct RuleMetrics::Impl {
  struct Series {
    prometheus::Counter *failures, *evaluations, *missed, *iterations;
    prometheus::Gauge *interval, *duration, *last, *rules;
  };
  explicit Impl(prometheus::Registry& registry)
      : alerts(add_gauge(registry, kAlerts)),
        corrupt(add_counter(registry, kCorrupt).Add({})),
        save_duration(add_gauge(registry, kSaveDuration).Add({})),
        save_errors(add_counter(registry, kSaveErrors).Add({})),
        saved(add_gauge(registry, kSaved).Add({})),
        failures(add_counter(registry, kFailures)),
        evaluations(add_counter(registry, kEvaluations)),
        interval(add_gauge(registry, kInterval)),
        missed(add_counter(registry, kMissed)),
        iterations(add_counter(registry, kIterations)),
        duration(add_gauge(registry, kDuration)),
        last(add_gauge(registry, kLast)),
        rules(add_gauge(registry, kRules)),
        templates(add_counter(registry, kTemplates).Add({})) {}

  Series& series(const std::string& group) {
    const auto [found, is_new] = all.try_emplace(group);
    if (is_new) {
      const prometheus::Labels labels{{"rule_group", group}};
      found->second = {.failures = &failures.Add(labels),
                       .evaluations = &evaluations.Add(labels),
                       .missed = &missed.Add(labels),
                       .iterations = &iterations.Add(labels),
                       .interval = &interval.Add(labels),
                       .duration = &duration.Add(labels),
                       .last = &last.Add(labels),
                       .rules = &rules.Add(labels)};
    }
    return found->second;
  }

  void remove(const Series& gone) {
    failures.Remove(gone.failures);
    evaluations.Remove(gone.evaluations);
    missed.Remove(gone.missed);
    iterations.Remove(gone.iterations);
    interval.Remove(gone.interval);
    duration.Remove(gone.duration);
    last.Remove(gone.last);
    rules.Remove(gone.rules);
  }

  prometheus::Family<prometheus::Gauge>& alerts;
  prometheus::Counter& corrupt;
  prometheus::Gauge& save_duration;
  prometheus::Counter& save_errors;
  prometheus::Gauge& saved;
  prometheus::Family<prometheus::Counter>&failures, &evaluations;
  prometheus::Family<prometheus::Gauge>& interval;
  prometheus::Family<prometheus::Counter>&missed, &iterations;
  prometheus::Family<prometheus::Gauge>&duration, &last, &rules;
  prometheus::Counter& templates;
  std::map<std::string, Series> all;
};

RuleMetrics::RuleMetrics(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {
  set_alerts(0, 0, 0);
}
RuleMetrics::~RuleMetrics() = default;

void RuleMetrics::set_groups(const std::vector<Group>& groups) {
  std::erase_if(impl_->all, [&](const auto& one) {
    if (std::ranges::find(groups, one.first, &Group::name) != groups.end()) return false;
    impl_->remove(one.second);
    return true;
  });
  for (const auto& group : groups) {
    auto& series = impl_->series(group.name);
    series.rules->Set(static_cast<double>(group.rules));
    series.interval->Set(seconds(group.interval));
  }
}

void RuleMetrics::evaluated(const std::string& group, const Cycle& cycle) {
  auto& series = impl_->series(group);
  series.iterations->Increment();
  series.missed->Increment(static_cast<double>(cycle.missed));
  series.evaluations->Increment(static_cast<double>(cycle.evaluations));
  series.failures->Increment(static_cast<double>(cycle.failures));
  series.duration->Set(seconds(cycle.took));
  series.last->Set(seconds(cycle.at));
  impl_->templates.Increment(static_cast<double>(cycle.template_failures));
}

void RuleMetrics::set_alerts(std::size_t pending, std::size_t firing, std::size_t unknown) {
  impl_->alerts.Add({{"state", "pending"}}).Set(static_cast<double>(pending));
  impl_->alerts.Add({{"state", "firing"}}).Set(static_cast<double>(firing));
  impl_->alerts.Add({{"state", "unknown"}}).Set(static_cast<double>(unknown));
}

void RuleMetrics::state_saved(WallTime at, Nanoseconds took) {
  impl_->saved.Set(seconds(at));
  impl_->save_duration.Set(seconds(took));
}
void RuleMetrics::state_save_failed() {
  impl_->save_errors.Increment();
}
void RuleMetrics::state_was_corrupt() {
  impl_->corrupt.Increment();
}

std::vector<MetricFamily> RuleMetrics::families() {
  return {kFamilies.begin(), kFamilies.end()};
}

}  // namespace qw::exporting
