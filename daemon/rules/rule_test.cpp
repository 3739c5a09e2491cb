#include "daemon/rules/rule_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "daemon/base/text.hpp"
#include "daemon/promql/printer.hpp"
#include "daemon/rules/rule_group.hpp"
#include "daemon/rules/rule_test_file.hpp"
#include "daemon/rules/scripted_source.hpp"

namespace qw::rules {
namespace {

/// So many evaluations take minutes; what asks for more is a mistake in the file.
constexpr std::int64_t kMaxSteps = 1'000'000;

struct Labelled {
  Labels labels;
  Labels annotations;
  auto operator<=>(const Labelled&) const = default;
};

std::string print_alerts(const std::vector<Labelled>& alerts) {
  if (alerts.empty()) return "[]";
  std::string out = "[";
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    out += fmt::format("\n            {}: Labels:{} Annotations:{}", i, promql::print(alerts[i].labels),
                       promql::print(alerts[i].annotations));
  }
  return out + "\n            ]";
}

std::string print_samples(const std::vector<ExpectedSample>& samples) {
  if (samples.empty()) return "nil";
  std::string out;
  for (const auto& sample : samples) {
    if (!out.empty()) out += ", ";
    out += promql::print(sample.labels) + " " + promql::print_value(sample.value);
  }
  return out;
}

/// Labels as promtool compares them: one with an empty value is not there.
Labels without_empty(const Labels& labels) {
  std::vector<Labels::Pair> out;
  for (const auto& pair : labels) {
    if (!pair.second.empty()) out.push_back(pair);
  }
  return Labels(std::move(out));
}

std::vector<Labelled> sorted(const std::vector<ExpectedAlert>& alerts) {
  std::vector<Labelled> out;
  for (const auto& alert : alerts) out.push_back({alert.labels, alert.annotations});
  std::ranges::sort(out);
  return out;
}

/// Which targets answer, from what the scripted series say of it.
std::vector<TargetHealth> health_of(const promql::Source& source, Millis at) {
  const std::vector<store::Matcher> matchers{
      {.label = "__name__", .type = store::MatchType::equal, .value = "quorumwatch_probe_success"}};
  std::vector<TargetHealth> out;
  for (const auto& series : source.select(matchers, at - 300'000, at)) {
    out.push_back({.system = std::string(series.labels->labels.get("system")),
                   .target = std::string(series.labels->labels.get("target")),
                   .answered = series.points.back().value == 1,
                   .names = nullptr});
  }
  return out;
}

/// Runs one test group.
class GroupRun {
 public:
  GroupRun(const RuleTestGroup& test, const RuleTestFile& file, const std::vector<RuleGroup>& groups,
           const RuleTestOptions& options, RuleTestOutcome& outcome)
      : test_(test), file_(file), outcome_(outcome) {
    GroupSettings settings;
    settings.interval = test.interval;
    settings.promql.default_step = file.evaluation_interval;
    settings.promql.closed_ranges = options.prometheus2;
    settings.external_labels = std::make_shared<const Labels>(test.external_labels);
    settings.external_url = test.external_url;
    settings.keep_without_data = test.keep_without_data;
    options_ = settings.promql;
    for (const auto& group : groups) groups_.push_back(std::make_unique<ActiveGroup>(group, settings));
    for (const auto& series : test.series) source_.add(series, test.start, test.interval);
  }

  void run() {
    std::vector<Millis> times;
    for (const auto& expectation : test_.alerts) times.push_back(expectation.at);
    std::ranges::sort(times);
    times.erase(std::ranges::unique(times).begin(), times.end());
    Millis last = times.empty() ? 0 : times.back();
    for (const auto& expectation : test_.exprs) last = std::max(last, expectation.at);
    const auto interval = file_.evaluation_interval;
    if (last / interval > kMaxSteps) return failed(fmt::format("more than {} evaluations", kMaxSteps));
    std::size_t next = 0;
    for (Millis at = 0; at <= last; at += interval) {
      source_.advance(test_.start + at);
      if (!evaluate(at)) return;
      // What happens up to the next evaluation is judged by this one.
      for (; next < times.size() && times[next] >= at && times[next] < at + interval; ++next) {
        check_alerts(times[next]);
      }
    }
    for (const auto& expectation : test_.exprs) check(expectation);
  }

 private:
  void failed(std::string text) {
    outcome_.failures.push_back(test_.name.empty() ? std::move(text)
                                                   : fmt::format("name: {},\n    {}", test_.name, text));
  }

  bool evaluate(Millis at) {
    bool good = true;
    DataHealth health;
    if (test_.keep_without_data) health.targets = health_of(source_, test_.start + at);
    for (const auto& group : groups_) {
      const auto output = group->evaluate(source_, test_.start + at, health);
      for (const auto& sample : output.samples) {
        source_.write(sample.series->labels, {.at = group->query_time(), .value = sample.value});
      }
      for (const auto& series : output.ended) {
        source_.write(series->labels, {.at = group->query_time(), .value = store::stale_marker()});
      }
      for (std::size_t i = 0; i < group->size(); ++i) {
        const auto& fared = group->health(i);
        if (fared.error.empty()) continue;
        failed(fmt::format("rule: {}, time: {}, err: {}", group->group().rules[i]->name,
                           promql::print_duration(at), fared.error));
        good = false;
      }
    }
    return good;
  }

  std::vector<Labelled> alerts_now(const std::string& alertname, AlertState state, bool unknown) const {
    std::vector<Labelled> out;
    for (const auto& group : groups_) {
      for (std::size_t i = 0; i < group->size(); ++i) {
        const auto& alerts = group->alerts(i);
        if (!alerts || alerts->rule().name != alertname) continue;
        for (const auto& entry : alerts->all()) {
          const auto& alert = *entry.alert;
          const bool wanted = unknown ? alert.unknown_since.has_value() : alert.state == state;
          if (wanted) out.push_back({alert.labels, alert.annotations});
        }
      }
    }
    std::ranges::sort(out);
    return out;
  }

  void check_alerts(Millis at) {
    for (const auto& expectation : test_.alerts) {
      if (expectation.at != at) continue;
      compare(expectation, "", expectation.firing,
              alerts_now(expectation.alertname, AlertState::firing, false));
      if (expectation.pending) {
        compare(expectation, " pending", *expectation.pending,
                alerts_now(expectation.alertname, AlertState::pending, false));
      }
      if (expectation.unknown) {
        compare(expectation, " unknown", *expectation.unknown,
                alerts_now(expectation.alertname, AlertState::inactive, true));
      }
    }
  }

  void compare(const AlertExpectation& of, std::string_view what, const std::vector<ExpectedAlert>& wanted,
               const std::vector<Labelled>& got) {
    ++outcome_.expectations;
    const auto expected = sorted(wanted);
    if (expected == got) return;
    failed(fmt::format("alertname: {}, time: {},{}\n        exp:{}\n        got:{}", of.alertname,
                       promql::print_duration(of.at), what, print_alerts(expected), print_alerts(got)));
  }

  void check(const ExprExpectation& expectation) {
    ++outcome_.expectations;
    const auto complain = [&](std::string_view what) {
      failed(fmt::format("expr: \"{}\", time: {}, err: {}", expectation.expr,
                         promql::print_duration(expectation.at), what));
    };
    auto parsed = promql::parse(expectation.expr);
    if (!parsed) return complain(parsed.error().print(expectation.expr));
    Rule rule;
    rule.expr = std::move(*parsed);
    auto answer = ActiveGroup::query(rule, source_, test_.start + expectation.at, options_);
    if (!answer) return complain(answer.error().message());
    std::vector<ExpectedSample> got, expected = expectation.samples;
    for (auto& sample : *answer) got.push_back({without_empty(sample.labels), sample.value});
    std::ranges::sort(got, {}, &ExpectedSample::labels);
    std::ranges::sort(expected, {}, &ExpectedSample::labels);
    const auto same = std::ranges::equal(expected, got, [this](const auto& a, const auto& b) {
      return a.labels == b.labels && is_same(a.value, b.value);
    });
    if (same) return;
    failed(fmt::format("expr: \"{}\", time: {},\n        exp: {}\n        got: {}", expectation.expr,
                       promql::print_duration(expectation.at), print_samples(expected), print_samples(got)));
  }

  /// With fuzzy_compare neighbouring floats are the same.
  bool is_same(double a, double b) const {
    if (a == b) return true;
    return file_.fuzzy && (std::nextafter(a, -HUGE_VAL) == b || std::nextafter(a, HUGE_VAL) == b);
  }

  const RuleTestGroup& test_;
  const RuleTestFile& file_;
  RuleTestOutcome& outcome_;
  promql::Options options_;
  ScriptedSource source_;
  std::vector<std::unique_ptr<ActiveGroup>> groups_;
};

std::vector<RuleGroup> load_groups(const RuleTestFile& test, const std::string& file,
                                   const RuleTestFiles& files, RuleTestOutcome& outcome) {
  std::vector<RuleGroup> groups;
  for (const auto& pattern : test.rule_files) {
    const auto names = files.expand(pattern);
    for (const auto& name : names) {
      const auto text = files.read(name);
      if (!text) {
        outcome.problems.push_back(
            {.file = file, .line = 0, .column = 0, .path = "rule_files", .text = text.error().message()});
        continue;
      }
      auto read = read_rule_file(*text, name);
      outcome.problems.insert(outcome.problems.end(), read.problems.begin(), read.problems.end());
      for (auto& group : read.groups) groups.push_back(std::move(group));
    }
  }
  const auto place = [&test](const RuleGroup& group) {
    const auto found = std::ranges::find(test.group_order, group.name);
    return found == test.group_order.end() ? 0 : found - test.group_order.begin();
  };
  std::vector<std::pair<std::pair<std::ptrdiff_t, std::size_t>, RuleGroup>> ordered;
  for (auto& group : groups) {
    const auto key = std::pair(place(group), ordered.size());
    ordered.emplace_back(key, std::move(group));
  }
  std::ranges::sort(ordered, {}, [](const auto& pair) { return pair.first; });
  groups.clear();
  for (auto& [key, group] : ordered) groups.push_back(std::move(group));
  return groups;
}

}  // namespace

RuleTestOutcome run_rule_tests(std::string_view text, const std::string& file, const RuleTestFiles& files,
                               const RuleTestOptions& options) {
  RuleTestOutcome outcome;
  auto test = read_rule_test_file(text, file);
  outcome.problems = std::move(test.problems);
  const auto groups = load_groups(test, file, files, outcome);
  if (!outcome.problems.empty()) return outcome;
  for (const auto& group : test.groups) {
    ++outcome.groups;
    GroupRun(group, test, groups, options, outcome).run();
  }
  return outcome;
}

}  // namespace qw::rules
