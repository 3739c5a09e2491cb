#include "daemon/rules/rule_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "daemon/promql/parser.hpp"
#include "daemon/rules/written_source.hpp"

namespace qw::rules {

/// What the rules wrote in this cycle and in the one before.
struct ActiveGroup::Written {
  /// Of one rule, by labels.
  using Series = std::map<Labels, DerivedSample>;
  std::vector<Series> of_rule;
  WrittenSamples cycle;
};

ActiveGroup::ActiveGroup(RuleGroup group, GroupSettings settings)
    : group_(std::move(group)),
      settings_(std::move(settings)),
      health_(group_.rules.size()),
      written_(std::make_unique<Written>()) {
  written_->of_rule.resize(group_.rules.size());
  for (const auto& rule : group_.rules) {
    states_.push_back(rule->alerting ? std::make_unique<AlertStates>(rule) : nullptr);
  }
}

ActiveGroup::~ActiveGroup() = default;

void ActiveGroup::begin(Millis at) {
  at_ = at;
  output_ = {};
  written_->cycle.clear(query_time());
}

std::unique_ptr<const promql::Source> ActiveGroup::view(const promql::Source& base) const {
  return std::make_unique<WrittenSource>(base, written_->cycle);
}

Result<promql::Vector> ActiveGroup::query(const Rule& rule, const promql::Source& source, Millis at,
                                          const promql::Options& options) {
  auto answer = promql::evaluate(*rule.expr, source, at, options);
  if (!answer) return std::unexpected(answer.error());
  if (auto* vector = std::get_if<promql::Vector>(&answer->value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::Scalar>(&answer->value)) {
    return promql::Vector{{.labels = {}, .at = scalar->at, .value = scalar->value}};
  }
  return fail(ErrorKind::rejected, "rule result is not a vector or scalar");
}

bool ActiveGroup::queries_in_templates(std::size_t rule) const {
  const auto asks = [](const NamedTemplate& one) { return one.text.queries(); };
  return std::ranges::any_of(group_.rules[rule]->labels, asks) ||
         std::ranges::any_of(group_.rules[rule]->annotations, asks);
}

ActiveGroup::Prepared ActiveGroup::prepare(std::size_t rule, const promql::Source& source) const {
  Prepared out;
  auto result = query(*group_.rules[rule], source, query_time(), settings_.promql);
  if (!result) {
    out.error = result.error().message();
  } else if (states_[rule]) {
    expand(*group_.rules[rule], *result, source, out);
  } else {
    record(*group_.rules[rule], *result, out);
  }
  return out;
}

void ActiveGroup::apply(std::size_t rule, Prepared prepared, const DataHealth& health) {
  auto& fared = health_[rule];
  fared.at = at_;
  fared.error = std::move(prepared.error);
  output_.template_failures += prepared.template_failures;
  if (fared.error.empty() && states_[rule]) {
    const auto updated = states_[rule]->update(std::move(prepared.candidates), at_, group_.limit,
                                               settings_.keep_without_data ? &health : nullptr);
    if (!updated) fared.error = updated.error().message();
  }
  if (fared.error.empty()) {
    return write(rule, states_[rule] ? series_of_alerts(rule) : std::move(prepared.samples));
  }
  ++output_.failures;
  for (const auto& [labels, sample] : written_->of_rule[rule]) output_.held.push_back(sample);
}

void ActiveGroup::expand(const Rule& rule, const promql::Vector& result, const promql::Source& source,
                         Prepared& into) const {
  TemplateContext context{.alert = rule.name, .at = at_, .query = {}};
  context.query = [&](const std::string& text) -> Result<QuerySamples> {
    auto parsed = promql::parse(text);
    if (!parsed) return fail(ErrorKind::rejected, parsed.error().print(text));
    Rule asked;
    asked.expr = std::move(*parsed);
    auto answer = query(asked, source, query_time(), settings_.promql);
    if (!answer) return std::unexpected(answer.error());
    QuerySamples samples;
    for (auto& sample : *answer) {
      samples.push_back(
          std::make_shared<const QuerySample>(QuerySample{std::move(sample.labels), sample.value}));
    }
    return samples;
  };
  into.candidates.reserve(result.size());
  for (const auto& sample : result) {
    auto data = std::make_shared<TemplateData>();
    data->labels = sample.labels;
    data->value = sample.value;
    data->external_labels = settings_.external_labels;
    data->external_url = settings_.external_url;
    const std::shared_ptr<const TemplateData> shared = std::move(data);
    const auto expanded = [&](const Template& text) {
      auto made = text.expand(shared, context);
      if (made) return std::move(*made);
      ++into.template_failures;
      return fmt::format("<error expanding template: {}>", made.error().message());
    };
    std::map<std::string, std::string, std::less<>> labels;
    for (const auto& [name, value] : sample.labels) {
      if (name != "__name__" && !value.empty()) labels.emplace(name, value);
    }
    for (const auto& label : rule.labels) {
      auto value = expanded(label.text);
      if (value.empty()) {
        labels.erase(label.name);
      } else {
        labels[label.name] = std::move(value);
      }
    }
    labels["alertname"] = rule.name;
    std::vector<Labels::Pair> annotations;
    for (const auto& annotation : rule.annotations) {
      annotations.emplace_back(annotation.name, expanded(annotation.text));
    }
    into.candidates.push_back({.labels = Labels(std::vector<Labels::Pair>(labels.begin(), labels.end())),
                               .annotations = Labels(std::move(annotations)),
                               .value = sample.value,
                               .system = std::string(sample.labels.get("system")),
                               .target = std::string(sample.labels.get("target"))});
  }
}

std::vector<std::pair<Labels, double>> ActiveGroup::series_of_alerts(std::size_t rule) const {
  std::vector<std::pair<Labels, double>> out;
  for (const auto& [labels, alert] : states_[rule]->all()) {
    if (alert.state == AlertState::inactive) continue;
    Labels series = labels;
    series.set("__name__", "ALERTS");
    series.set("alertstate", name(alert.state));
    out.emplace_back(std::move(series), 1);
    series = labels;
    series.set("__name__", "ALERTS_FOR_STATE");
    // Whole seconds, as in Prometheus.
    out.emplace_back(series, static_cast<double>(alert.active_at / 1000));
    if (!alert.unknown_since) continue;
    series.set("__name__", "quorumwatch_alert_unknown");
    out.emplace_back(std::move(series), 1);
  }
  return out;
}

void ActiveGroup::record(const Rule& rule, const promql::Vector& result, Prepared& into) const {
  std::set<Labels> seen;
  for (const auto& sample : result) {
    std::map<std::string, std::string, std::less<>> labels(sample.labels.begin(), sample.labels.end());
    for (const auto& label : rule.labels) labels[label.name] = label.text.text();
    labels["__name__"] = rule.name;
    std::erase_if(labels, [](const auto& pair) { return pair.second.empty(); });
    Labels made(std::vector<Labels::Pair>(labels.begin(), labels.end()));
    if (!seen.insert(made).second) {
      into.error = "vector contains metrics with the same labelset after applying rule labels";
      return;
    }
    into.samples.emplace_back(std::move(made), sample.value);
  }
  if (group_.limit > 0 && into.samples.size() > group_.limit) {
    into.error = fmt::format("exceeded limit of {} with {} series", group_.limit, into.samples.size());
  }
}

std::uint64_t ActiveGroup::transitions() const {
  std::uint64_t sum = 0;
  for (const auto& states : states_) sum += states ? states->transitions() : 0;
  return sum;
}

bool ActiveGroup::any_pending() const {
  return std::ranges::any_of(states_, [](const auto& states) {
    return states && std::ranges::any_of(states->all(), [](const auto& entry) {
             return entry.second.state == AlertState::pending;
           });
  });
}

std::vector<DerivedSample> ActiveGroup::current() const {
  std::vector<DerivedSample> out;
  std::set<Labels> seen;
  for (const auto& of_rule : written_->of_rule) {
    for (const auto& [labels, sample] : of_rule) {
      // Of two rules that write the same series, the first one has it.
      if (seen.insert(labels).second) out.push_back(sample);
    }
  }
  return out;
}

void ActiveGroup::write(std::size_t rule, std::vector<std::pair<Labels, double>> samples) {
  auto& before = written_->of_rule[rule];
  Written::Series now;
  for (auto& [labels, value] : samples) {
    auto found = before.extract(labels);
    DerivedSample sample{found ? found.mapped().series : families_.make(labels), value};
    // Of two rules that write the same series, the first one has it.
    if (written_->cycle.add(sample.series->labels, value)) output_.samples.push_back(sample);
    if (found) {
      found.mapped().value = value;
      now.insert(std::move(found));
    } else {
      now.emplace(std::move(labels), std::move(sample));
    }
  }
  for (const auto& [labels, sample] : before) {
    written_->cycle.add(sample.series->labels, store::stale_marker());
    output_.ended.push_back(sample.series);
  }
  before = std::move(now);
}

ActiveGroup::Output ActiveGroup::finish() {
  // A series that moved from one rule to another has not ended.
  std::erase_if(output_.ended, [this](const DerivedSeriesPtr& series) {
    return !store::is_stale_marker(written_->cycle.value_of(series->labels->labels));
  });
  return std::exchange(output_, {});
}

ActiveGroup::Output ActiveGroup::evaluate(const promql::Source& base, Millis at, const DataHealth& health) {
  begin(at);
  for (std::size_t i = 0; i < size(); ++i) {
    const auto source = view(base);
    apply(i, prepare(i, *source), health);
  }
  return finish();
}

}  // namespace qw::rules
