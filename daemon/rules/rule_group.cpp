#include "daemon/rules/rule_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <unordered_map>

#include "daemon/promql/parser.hpp"
#include "daemon/rules/written_source.hpp"

namespace qw::rules {

/// What the rules wrote in this cycle and in the one before.
struct ActiveGroup::Written {
  std::vector<std::vector<DerivedSample>> of_rule;
  WrittenSamples cycle;
};

namespace {

std::vector<std::string> recorded_names(const RuleGroup& group) {
  std::vector<std::string> out;
  for (const auto& rule : group.rules) {
    if (!rule->alerting) out.push_back(rule->name);
  }
  return out;
}

/// The series of `before` that `now` does not have.
std::vector<DerivedSeriesPtr> ended_series(const std::vector<DerivedSample>& before,
                                           const std::vector<DerivedSample>& now) {
  std::vector<DerivedSeriesPtr> out;
  // Mostly they are the same, in the same order.
  std::size_t same = 0;
  while (same < std::min(before.size(), now.size()) && before[same].series == now[same].series) ++same;
  if (same == before.size()) return out;
  std::unordered_multimap<std::uint64_t, const Labels*> there;
  for (auto i = same; i < now.size(); ++i)
    there.emplace(now[i].series->labels->hash, &now[i].series->labels->labels);
  for (auto i = same; i < before.size(); ++i) {
    const auto& labels = *before[i].series->labels;
    const auto [first, last] = there.equal_range(labels.hash);
    if (!std::any_of(first, last, [&](const auto& one) { return *one.second == labels.labels; }))
      out.push_back(before[i].series);
  }
  return out;
}

/// Of the alert that a result with those labels makes.
template <class Expand>
Labels labels_of(const Rule& rule, const Labels& source, const Expand& expanded) {
  std::map<std::string, std::string, std::less<>> labels;
  for (const auto& [name, value] : source) {
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
  return Labels(std::vector<Labels::Pair>(labels.begin(), labels.end()));
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// Whether the texts come out the same for the same labels and, unless they are plain, the same value.
bool all_same(const std::vector<NamedTemplate>& texts, bool same_value) {
  return std::ranges::all_of(texts, [same_value](const NamedTemplate& one) {
    return one.text.is_plain() || (same_value && one.text.is_pure());
  });
}

}  // namespace

ActiveGroup::ActiveGroup(RuleGroup group, GroupSettings settings)
    : group_(std::move(group)),
      settings_(std::move(settings)),
      health_(group_.rules.size()),
      families_(recorded_names(group_)),
      written_(std::make_unique<Written>()) {
  written_->of_rule.resize(group_.rules.size());
  for (const auto& rule : group_.rules) {
    states_.push_back(rule->alerting ? std::make_shared<const AlertStates>(rule) : nullptr);
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

promql::Source::Selection ActiveGroup::view(promql::Source::Selection base, const promql::Ask& ask) const {
  return written_->cycle.on_top_of(std::move(base), ask.matchers, ask.from, ask.to);
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

ActiveGroup::Prepared ActiveGroup::prepare(std::size_t rule, const promql::Source& source,
                                           const DataHealth& health) const {
  return prepare(rule, query(*group_.rules[rule], source, query_time(), settings_.promql), source, health);
}

ActiveGroup::Prepared ActiveGroup::prepare(std::size_t rule, const Result<promql::Vector>& result,
                                           const promql::Source& source, const DataHealth& health) const {
  Prepared out;
  if (!result) {
    out.error = result.error().message();
  } else if (states_[rule]) {
    alert(rule, expand(rule, *result, source, out), source, health, out);
  } else {
    record(rule, *result, out);
  }
  if (out.error.empty()) out.ended = ended_series(written_->of_rule[rule], out.samples);
  return out;
}

std::shared_ptr<const void> ActiveGroup::apply(std::size_t rule, Prepared prepared) {
  struct Replaced {
    AlertStatesPtr states;
    std::vector<DerivedSample> written;
  };
  const auto replaced = std::make_shared<Replaced>();
  auto& fared = health_[rule];
  fared.at = at_;
  fared.error = std::move(prepared.error);
  output_.template_failures += prepared.template_failures;
  if (prepared.states) replaced->states = std::exchange(states_[rule], std::move(prepared.states));
  auto& written = written_->of_rule[rule];
  if (!fared.error.empty()) {
    ++output_.failures;
    output_.held.insert(output_.held.end(), written.begin(), written.end());
    return replaced;
  }
  replaced->written = std::exchange(written, std::move(prepared.samples));
  for (const auto& sample : written) {
    // Of two rules that write the same series, the first one has it.
    if (written_->cycle.add(sample.series->labels, sample.value)) output_.samples.push_back(sample);
  }
  for (auto& series : prepared.ended) {
    written_->cycle.add(series->labels, store::stale_marker());
    output_.ended.push_back(std::move(series));
  }
  return replaced;
}

void ActiveGroup::restore(std::size_t rule, std::vector<ActiveAlert> alerts) {
  auto states = *states_[rule];
  states.restore(std::move(alerts));
  states_[rule] = std::make_shared<const AlertStates>(std::move(states));
}

void ActiveGroup::adopt(std::size_t rule, std::vector<ActiveAlert> alerts) {
  auto states = *states_[rule];
  states.adopt(std::move(alerts));
  states_[rule] = std::make_shared<const AlertStates>(std::move(states));
}

std::vector<ActiveAlertPtr> ActiveGroup::let_go(std::string_view system, std::string_view target) {
  std::vector<ActiveAlertPtr> gone;
  for (auto& one : states_) {
    if (!one) continue;
    auto states = *one;
    auto some = states.let_go(system, target);
    if (some.empty()) continue;
    one = std::make_shared<const AlertStates>(std::move(states));
    gone.insert(gone.end(), some.begin(), some.end());
  }
  return gone;
}

/// Whether the series that the rule selects are there, as far as the alert's labels tell which.
SeriesThere ActiveGroup::series_there(const Rule& rule, const ActiveAlert& alert,
                                      const promql::Source& source) const {
  const auto agrees = [&alert](const promql::Source::Series& series) {
    if (series.points.empty() || store::is_stale_marker(series.points.back().value)) return false;
    return std::ranges::all_of(series.labels->labels, [&alert](const Labels::Pair& label) {
      const auto wanted = alert.labels.get(label.first);
      return label.first == "__name__" || wanted.empty() || wanted == label.second;
    });
  };
  std::size_t there = 0;
  const promql::Times now{.start = query_time(), .end = query_time(), .step = 0};
  const auto asks = promql::asks_of(*rule.expr, now, settings_.promql);
  for (const auto& ask : asks) {
    const auto found = source.fetch(ask.matchers, ask.from, ask.to, ask.need);
    there += std::ranges::any_of(*found, agrees) ? 1 : 0;
  }
  if (there == asks.size()) return SeriesThere::all;
  return there == 0 ? SeriesThere::none : SeriesThere::some;
}

void ActiveGroup::alert(std::size_t rule, std::vector<AlertStates::Candidate> candidates,
                        const promql::Source& source, const DataHealth& health, Prepared& into) const {
  auto states = std::make_shared<AlertStates>(*states_[rule]);
  const auto look = [&](const ActiveAlert& alert) {
    return series_there(*group_.rules[rule], alert, source);
  };
  const auto updated = states->update(std::move(candidates), at_, group_.limit,
                                      settings_.keep_without_data ? &health : nullptr, look);
  if (updated) {
    into.samples = states->write(families_);
  } else {
    into.error = updated.error().message();
  }
  into.states = std::move(states);
}

std::vector<AlertStates::Candidate> ActiveGroup::expand(std::size_t number, const promql::Vector& result,
                                                        const promql::Source& source, Prepared& into) const {
  const auto& rule = *group_.rules[number];
  const auto& before = *states_[number];
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
  std::vector<AlertStates::Candidate> out;
  out.reserve(result.size());
  std::size_t cursor = 0;
  for (const auto& sample : result) {
    AlertStates::Candidate candidate{.labels = {},
                                     .annotations = {},
                                     .value = sample.value,
                                     .system = std::string(sample.labels.get("system")),
                                     .target = std::string(sample.labels.get("target")),
                                     .source = sample.labels};
    const auto known = before.recall(cursor, sample.labels);
    const auto* old = known ? &before.all()[*known] : nullptr;
    const bool same_value = old && same_bits(old->alert->value, sample.value);
    if (old && !old->incomplete && all_same(rule.labels, same_value)) {
      candidate.known = known;
      candidate.same_annotations = all_same(rule.annotations, same_value);
      if (candidate.same_annotations) {
        out.push_back(std::move(candidate));
        continue;
      }
    }
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
      candidate.incomplete = true;
      return fmt::format("<error expanding template: {}>", made.error().message());
    };
    if (!candidate.known) candidate.labels = labels_of(rule, sample.labels, expanded);
    std::vector<Labels::Pair> annotations;
    for (const auto& annotation : rule.annotations) {
      annotations.emplace_back(annotation.name, expanded(annotation.text));
    }
    candidate.annotations = Labels(std::move(annotations));
    out.push_back(std::move(candidate));
  }
  return out;
}

void ActiveGroup::record(std::size_t number, const promql::Vector& result, Prepared& into) const {
  const auto& rule = *group_.rules[number];
  std::map<Labels, DerivedSeriesPtr> before;
  for (const auto& sample : written_->of_rule[number])
    before.emplace(sample.series->labels->labels, sample.series);
  std::set<Labels> seen;
  for (const auto& sample : result) {
    std::map<std::string, std::string, std::less<>> labels(sample.labels.begin(), sample.labels.end());
    for (const auto& label : rule.labels) labels[label.name] = label.text.text();
    labels["__name__"] = rule.name;
    std::erase_if(labels, [](const auto& pair) { return pair.second.empty(); });
    const Labels made(std::vector<Labels::Pair>(labels.begin(), labels.end()));
    if (!seen.insert(made).second) {
      into.error = "vector contains metrics with the same labelset after applying rule labels";
      return;
    }
    const auto known = before.find(made);
    into.samples.push_back({known == before.end() ? families_.make(made) : known->second, sample.value});
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
  return std::ranges::any_of(states_, [](const auto& states) { return states && states->any_pending(); });
}

ActiveGroup::Output ActiveGroup::finish() {
  // A series that moved from one rule to another has not ended.
  std::erase_if(output_.ended, [this](const DerivedSeriesPtr& series) {
    return !store::is_stale_marker(written_->cycle.value_of(*series->labels));
  });
  output_.rest = std::make_shared<WrittenSamples::ByName>(written_->cycle.take());
  return std::exchange(output_, {});
}

ActiveGroup::Output ActiveGroup::evaluate(const promql::Source& base, Millis at, const DataHealth& health) {
  begin(at);
  for (std::size_t i = 0; i < size(); ++i) {
    const auto source = view(base);
    apply(i, prepare(i, *source, health));
  }
  return finish();
}

}  // namespace qw::rules
