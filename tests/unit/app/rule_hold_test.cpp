// 1,000 rules over 10,000 series must not hold the loop, on which every probe waits: not even where thousands
// of alerts begin at once, hundreds end and begin in a cycle, and their annotations ask for more.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <map>

#include "daemon/notify/notifier.hpp"
#include "daemon/rule_runner.hpp"
#include "tests/unit/app/support.hpp"

namespace qw {
namespace {

using namespace std::chrono_literals;

constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};
constexpr int kTargets = 100, kMembers = 100, kRounds = 60, kRules = 1000;

/// Of this thread: what another program does on the same core does not count.
Nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

/// 998 small rules, one that looks at five minutes of everything, and one with some 1,430 alerts each of
/// which asks a question of its own.
std::vector<rules::RuleGroup> rules_of() {
  std::string text = "groups:\n- name: g\n  interval: 500ms\n  rules:\n";
  for (int i = 0; i < kRules - 2; ++i) {
    const auto series = fmt::format("quorumwatch_leader_claim{{target=\"target-{}\"}}", i % kTargets);
    const auto expr =
        i % 2 == 0 ? series + " > 5" : fmt::format("sum by (target) (rate({}[5m])) > 0", series);
    text += fmt::format(
        "  - {{alert: A{}, expr: '{}', for: 1m, annotations: {{s: '{{{{ $labels.target }}}} {{{{ $value | "
        "humanize }}}}'}}}}\n",
        i, expr);
  }
  text +=
      "  - {alert: Wide, expr: 'sum by (member) (rate(quorumwatch_leader_claim[5m])) > 0'}\n"
      "  - alert: Many\n    expr: quorumwatch_leader_claim > 5\n    labels: {severity: page}\n"
      "    annotations:\n      summary: '{{ $labels.target }} {{ $labels.member }} says {{ $value }}'\n"
      "      first: >-\n        {{ with printf \"quorumwatch_leader_claim{target='%s',member='0'}\" "
      "$labels.target | query }}{{ . | first | value }}{{ end }}\n";
  auto read = rules::read_rule_file(text, "r.yml");
  EXPECT_TRUE(read.problems.empty()) << read.problems[0].print();
  return std::move(read.groups);
}

class World {
 public:
  World() {
    for (int target = 0; target < kTargets; ++target) {
      const auto name = fmt::format("target-{}", target);
      ids.push_back({.system = "etcd", .name = name});
      samples.emplace_back(ids.back().system, name);
    }
    notify::Options options;
    notify::HttpEndpoint nobody;
    nobody.url = *net::Url::parse(fmt::format("http://127.0.0.1:{}", test::closed_port()));
    options.alertmanagers = {nobody};
    notifier.configure(options);
  }
  ~World() {
    tasks.cancel();
    tasks.spawn("stop", notifier.stop());
    const auto limit = clock.steady() + 10s;
    while (tasks.size() > 0 && clock.steady() < limit) {
      io.restart();
      io.run_one_for(10ms);
    }
  }

  /// In each round other members claim.
  void round(int number, SteadyTime at, std::size_t targets) {
    for (std::size_t i = 0; i < targets; ++i) {
      for (int member = 0; member < kMembers; ++member) {
        samples[i].add(kClaim, (member + number) % 7, {{"member", std::to_string(member)}});
      }
      auto round = std::make_shared<Round>();
      round->target = ids[i];
      round->started = round->finished = at;
      round->success = true;
      round->samples = samples[i].take();
      store.publish(round);
      runner.on_round(*round);
    }
  }

  /// Runs the loop until `done`, and remembers the longest that one piece of work took.
  void run(const std::function<bool()>& done) {
    const auto limit = clock.steady() + 60s;
    while (!done() && clock.steady() < limit) {
      const auto before = cpu_time();
      io.restart();
      io.run_one_for(10ms);
      longest = std::max(longest, cpu_time() - before);
    }
    ASSERT_TRUE(done());
  }
  std::size_t many() {
    std::size_t firing = 0;
    for (const auto& alert : runner.engine().alerts(0, {})) {
      firing += !alert->ends_at && alert->labels.get("alertname") == "Many" ? 1U : 0U;
    }
    return firing;
  }

  SystemClock clock;
  asio::io_context io{1};
  net::Resolver resolver{io.get_executor(), {}};
  net::Net net{io.get_executor(), resolver};
  async::TaskGroup::OnBug on_bug = [](std::string_view, const std::string& what) { ADD_FAILURE() << what; };
  store::Store store{store::Store::Options()};
  promql::StoreIndex index{store};
  prometheus::Registry registry;
  exporting::RuleMetrics metrics{registry};
  async::WorkerPool pool{2};
  notify::Notifier notifier{net, clock, on_bug};
  int published = 0;
  Nanoseconds line = clock.wall().time_since_epoch() - clock.steady().time_since_epoch();
  RuleRunner runner{{.executor = io.get_executor(),
                     .clock = clock,
                     .store = store,
                     .index = index,
                     .line = line,
                     .pool = pool,
                     .metrics = metrics,
                     .publish =
                         [this](AlertsPtr alerts) {
                           ++published;
                           notifier.publish(std::move(alerts));
                         }},
                    StateStore("")};
  std::vector<TargetId> ids;
  std::vector<Samples> samples;
  async::TaskGroup tasks{io.get_executor(), on_bug};
  Nanoseconds longest{};
};

/// The longest that the loop was held in three cycles.
Nanoseconds longest_hold() {
  World world;
  auto& runner = world.runner;
  rules::GroupSettings settings;
  settings.external_labels = std::make_shared<const Labels>();
  runner.configure(rules_of(), settings, world.ids);
  const auto now = world.clock.steady();
  for (int i = kRounds; i > 0; --i) world.round(kRounds - i, now - i * 4s, kTargets);
  world.tasks.spawn("rules", runner.run());
  const auto last = [&runner] { return runner.engine().group(0).health(kRules - 1).at; };
  world.run([&] { return last().has_value(); });
  EXPECT_GE(world.many(), 1400U);
  for (int more = 0; more < 3; ++more) {
    // Of a tenth of the targets all alerts end, and as many others begin.
    world.round(kRounds + more, world.clock.steady(), kTargets / 10);
    const auto before = last();
    const auto sent = world.published;
    world.run([&] { return last() > before && world.published > sent; });
  }
  EXPECT_GE(world.many(), 1400U);
  EXPECT_EQ(runner.engine().group(0).health(kRules - 1).error, "");
  fmt::print("  the loop was held for {} us at most\n", world.longest / 1us);
  return world.longest;
}

TEST(RuleHold, AThousandRulesLeaveTheLoopToTheProbes) {
  // Sanitizers make every access several times as slow.
  const auto most = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) ? 50ms : 5ms;
  // Whoever shares the core makes even CPU time longer: what the code itself takes is shown by the best of
  // some.
  auto longest = Nanoseconds::max();
  for (int attempt = 0; attempt < 8 && longest >= most; ++attempt)
    longest = std::min(longest, longest_hold());
  RecordProperty("longest_us", static_cast<int>(longest / 1us));
  EXPECT_LT(longest, most);
}

}  // namespace
}  // namespace qw
