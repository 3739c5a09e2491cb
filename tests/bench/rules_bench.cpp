// What a cycle of rules costs: 200 alert rules over 10,000 series with five minutes of history, evaluated as
// the runner does it; and how long the longest single rule holds its thread. Besides, what reading and
// expanding cost. The control reads the newest value of every series once for each rule, which is the least
// that any evaluation could do.
#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/promql/selection_cache.hpp"
#include "daemon/promql/store_source.hpp"
#include "daemon/rules/rule_engine.hpp"

namespace qw {
namespace {

constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};
constexpr int kTargets = 100, kSeriesOfATarget = 100, kRounds = 60, kRules = 200;
constexpr rules::Millis kEnd = kRounds * 5'000;

struct Filled {
  Filled() : store(options()), index(store) {
    for (int target = 0; target < kTargets; ++target) {
      const TargetId id{.system = "etcd", .name = "target-" + std::to_string(target)};
      Samples samples(id.system, id.name);
      for (int number = 1; number <= kRounds; ++number) {
        for (int i = 0; i < kSeriesOfATarget; ++i) {
          samples.add(kClaim, (i + number) % 7, {{"member", std::to_string(i)}});
        }
        auto round = std::make_shared<Round>();
        round->target = id;
        round->started = round->finished = SteadyTime(std::chrono::seconds(5 * number));
        round->samples = samples.take();
        store.publish(std::move(round));
      }
    }
  }
  static store::Store::Options options() {
    store::Store::Options out;
    out.retention = std::chrono::minutes(10);
    return out;
  }
  store::Store store;
  promql::StoreIndex index;
};

/// Half compare the newest values, the others look back by five minutes; a handful of alerts each.
std::vector<rules::RuleGroup> rules_of(int count) {
  std::string text = "groups:\n- name: g\n  rules:\n";
  for (int i = 0; i < count; ++i) {
    const auto target = "target-" + std::to_string(i % kTargets);
    const auto series = "quorumwatch_leader_claim{target=\"" + target + "\"}";
    const std::string expr =
        i % 2 == 0 ? series + " > 5"
                   : "sum by (target) (rate(quorumwatch_leader_claim{target=\"" + target + "\"}[5m])) > 0";
    text += "  - {alert: A" + std::to_string(i) + ", expr: '" + expr +
            "', for: 1m, labels: {severity: page}, annotations: {s: '{{ $labels.target }} {{ $value | "
            "humanize }}'}}\n";
  }
  return rules::read_rule_file(text, "r.yml").groups;
}

/// Of this thread: other work on the machine does not count.
Nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

void cycle_of_rules(benchmark::State& state) {
  Filled filled;
  rules::RuleEngine engine;
  rules::GroupSettings settings;
  settings.external_labels = std::make_shared<const Labels>();
  engine.replace(rules_of(static_cast<int>(state.range(0))), settings, 0);
  auto& group = engine.group(0);
  Nanoseconds longest{};
  for (auto _ : state) {
    group.begin(kEnd);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto began = cpu_time();
      const promql::StoreSource source(filled.index, Nanoseconds(0));
      const auto view = group.view(source);
      const promql::Prefetched fetched(*group.group().rules[i]->expr, *view,
                                       {.start = kEnd, .end = kEnd, .step = 0}, group.options());
      group.apply(i, group.prepare(i, fetched, {}));
      longest = std::max(longest, cpu_time() - began);
    }
    benchmark::DoNotOptimize(group.finish());
  }
  state.counters["longest_rule_ms"] = seconds(longest) * 1000;
  std::size_t alerts = 0;
  for (std::size_t i = 0; i < group.size(); ++i) alerts += group.alerts(i)->all().size();
  state.counters["alerts"] = static_cast<double>(alerts);
}
BENCHMARK(cycle_of_rules)->Arg(kRules)->Arg(1000)->Unit(benchmark::kMillisecond);

/// The rules and series that tests/bench/rules_vs_prometheus gives to the real server: 200 rules, and with
/// `many` one more that has 1,500 alerts.
class Compared {
 public:
  static constexpr int kMetrics = 50, kSeries = 10'000, kPoints = 40;
  static constexpr rules::Millis kStep = 15'000;

  explicit Compared(bool many) : store(Filled::options()), index(store) {
    for (int metric = 0; metric < kMetrics; ++metric)
      names_.push_back("metric_" + std::to_string(metric) + (metric % 2 == 0 ? "_total" : ""));
    for (const auto& name : names_)
      families_.push_back({.name = name, .type = MetricType::gauge, .help = "", .labels = "instance"});
    for (; rounds < kPoints; ++rounds) publish();
    std::string text = "groups:\n- name: g\n  interval: 1s\n  rules:\n";
    for (int i = 0; i < kRules; ++i) {
      const int counter = i % (kMetrics / 2) * 2;
      const auto rate = "rate(" + names_[static_cast<std::size_t>(counter)] + "[5m])";
      const auto gauge = "metric_" + std::to_string(counter + 1);
      const auto other = "metric_" + std::to_string((counter + 3) % kMetrics);
      const std::string exprs[] = {gauge + " > 100000", rate + " > 100",
                                   "sum by (job) (" + rate + ") / sum by (job) (" + gauge + ") > 10",
                                   "max without (instance) (" + gauge +
                                       ") == 0 and on (job, target) avg by (job, target) (" + other +
                                       ") > 5"};
      text += "  - {alert: Bench" + std::to_string(i) + ", expr: '" + exprs[i % 4] + "'}\n";
    }
    if (many) {
      text +=
          "  - {alert: Many, expr: 'label_replace({job=~\"job-[012]\",__name__=~\"metric_.*[13579]\"} > 0, "
          "\"metric\", \"$1\", \"__name__\", \"(.*)\")', labels: {severity: page}, "
          "annotations: {s: '{{ $labels.target }} {{ $value | humanize }}'}}\n";
    }
    rules::GroupSettings settings;
    settings.external_labels = std::make_shared<const Labels>();
    engine.replace(rules::read_rule_file(text, "r.yml").groups, settings, 0);
  }

  /// All series, in forty targets.
  void publish() {
    for (int target = 0; target < 40; ++target) {
      auto& samples = samples_.try_emplace(target, "bench", "target-" + std::to_string(target)).first->second;
      for (int metric = 0; metric < kMetrics; ++metric) {
        for (int i = target; i < kSeries / kMetrics; i += 40) {
          samples.add(families_[static_cast<std::size_t>(metric)], metric + i + rounds,
                      {{"instance", "10.0.0." + std::to_string(i) + ":9100"},
                       {"job", "job-" + std::to_string(i % 10)}});
        }
      }
      auto round = std::make_shared<Round>();
      round->target = {.system = "bench", .name = "target-" + std::to_string(target)};
      round->started = round->finished = SteadyTime(std::chrono::milliseconds(kStep * rounds));
      round->success = true;
      round->samples = samples.take();
      store.publish(std::move(round));
    }
  }

  store::Store store;
  promql::StoreIndex index;
  rules::RuleEngine engine;
  int rounds = 0;

 private:
  std::vector<std::string> names_;
  std::vector<MetricFamily> families_;
  std::map<int, Samples> samples_;
};

/// A whole cycle as the daemon has it: taking samples out of the store, evaluating, states of alerts, their
/// texts and series, and what is passed on to Alertmanager. A second passes from one to the next, and each
/// fifteenth has new values.
void engine_cycle(benchmark::State& state) {
  Compared world(state.range(0) != 0);
  auto& group = world.engine.group(0);
  rules::AlertView::Made made;
  rules::Millis at = Compared::kStep * (Compared::kPoints - 1);
  std::size_t alerts = 0;
  std::uint64_t number = 0;
  for (auto _ : state) {
    at += 1000;
    if (at % Compared::kStep == 0) {
      state.PauseTiming();
      world.publish();
      ++world.rounds;
      state.ResumeTiming();
    }
    const promql::StoreSource source(world.index, Nanoseconds(0));
    const promql::SelectionCache cache(source);
    const auto output = group.evaluate(cache, at, {});
    auto round = std::make_shared<Round>();
    round->target = {.system = "", .name = "r.yml;g"};
    round->number = ++number;
    round->started = round->finished = SteadyTime(std::chrono::milliseconds(at));
    round->success = round->derived = true;
    for (const auto& sample : output.samples) round->samples.push_back({sample.series->series, sample.value});
    world.store.publish(std::move(round));
    alerts = world.engine.view().alerts(at, {}, made).size();
  }
  state.counters["alerts"] = static_cast<double>(alerts);
}
BENCHMARK(engine_cycle)->Name("200 rules, the whole engine")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void control(benchmark::State& state) {
  Filled filled;
  for (auto _ : state) {
    double sum = 0;
    for (int rule = 0; rule < kRules; ++rule) {
      const std::vector<store::Matcher> matchers{
          {"__name__", store::MatchType::equal, "quorumwatch_leader_claim"},
          {"target", store::MatchType::equal, "target-" + std::to_string(rule % kTargets)}};
      for (const auto& view : filled.store.select(matchers, SteadyTime(std::chrono::seconds(kEnd / 1000)),
                                                  SteadyTime(std::chrono::seconds(kEnd / 1000)))) {
        sum += view.points.back().value;
      }
    }
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(control)->Unit(benchmark::kMillisecond);

/// The largest rule file of promtool's tests: 1.2 MB, 10,002 rules.
void read_large_file(benchmark::State& state) {
  std::ifstream in(std::filesystem::path("../shared/promql/cmd/promtool/testdata/rules_large.yml"));
  std::stringstream text;
  text << in.rdbuf();
  if (text.str().empty())
    return state.SkipWithError("run it from the top of the checkout, with ../shared there");
  for (auto _ : state)
    benchmark::DoNotOptimize(rules::read_rule_file(text.str(), "rules_large.yml").groups.size());
  state.SetBytesProcessed(static_cast<std::int64_t>(text.str().size()) * state.iterations());
}
BENCHMARK(read_large_file)->Unit(benchmark::kMillisecond);

void expand_template(benchmark::State& state) {
  const auto parsed = rules::Template::parse(
      "{{ $labels.target }} is {{ $value | humanizePercentage }} {{ printf \"%.2f\" $value }}");
  auto data = std::make_shared<rules::TemplateData>();
  data->labels = {{"target", "x"}};
  data->value = 0.5;
  const std::shared_ptr<const rules::TemplateData> shared = data;
  for (auto _ : state) benchmark::DoNotOptimize(parsed->expand(shared, {.alert = "A", .at = 0, .query = {}}));
}
BENCHMARK(expand_template);

}  // namespace
}  // namespace qw

BENCHMARK_MAIN();
