#include "daemon/export/page.hpp"

#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "daemon/export/self_metrics.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "Members that lead.", ""};
constexpr MetricFamily kElections{"quorumwatch_leader_elections_total", MetricType::counter,
                                  "Elections seen.", "cause"};
constexpr MetricFamily kLag{"quorumwatch_replication_lag_seconds", MetricType::gauge,
                            "A \\ \"lag\"\nof two lines.", "member"};
constexpr MetricFamily kRtt{"quorumwatch_rtt_distribution_seconds", MetricType::histogram, "Round trips.",
                            "member"};
constexpr MetricFamily kOdd{"quorumwatch_odd", MetricType::counter, "A counter without the suffix.", ""};

void add_histogram(RoundBuilder& target, std::string_view member) {
  target.add(kRtt, 2, {{"member", member}, {"le", "0.001"}}, "_bucket");
  target.add(kRtt, 5, {{"member", member}, {"le", "0.01"}}, "_bucket");
  target.add(kRtt, 6, {{"member", member}, {"le", "+Inf"}}, "_bucket");
  target.add(kRtt, 0.0375, {{"member", member}}, "_sum");
  target.add(kRtt, 6, {{"member", member}}, "_count");
}

store::Snapshot snapshot_of_two_targets() {
  store::Snapshot snapshot;
  RoundBuilder etcd("etcd", "control-plane");
  etcd.add(kLeaders, 1).add(kElections, 3, {{"cause", "planned"}}).add(kElections, 1, {{"cause", "failed"}});
  add_histogram(etcd, "10.0.0.1:2379");
  add_histogram(etcd, "10.0.0.2:2379");
  RoundBuilder redis("redis", "say \"hi\"\\\n");
  redis.add(kLag, 0.1 + 0.2, {{"member", "a"}}).add(kLag, std::nan(""), {{"member", "b"}});
  redis.add(kLag, std::numeric_limits<double>::infinity(), {{"member", "c"}});
  redis.add(kLag, -std::numeric_limits<double>::infinity(), {{"member", "d"}});
  redis.add(kLeaders, 2).add(kElections, 1e15, {{"cause", "planned"}});
  snapshot.rounds = {etcd.build(), redis.build()};
  return snapshot;
}

const std::vector<prometheus::MetricFamily> kNone;

TEST(Page, WritesTheTextFormatExactly) {
  store::Snapshot snapshot;
  RoundBuilder etcd("etcd", "a");
  etcd.add(kLeaders, 1).add(kElections, 3, {{"cause", "planned"}}).add(kLag, 0.25, {{"member", "m"}});
  RoundBuilder redis("redis", "b");
  redis.add(kLeaders, 2);
  snapshot.rounds = {etcd.build(), redis.build()};
  EXPECT_EQ(write_page(snapshot, kNone, PageFormat::text),
            "# HELP quorumwatch_leader_elections_total Elections seen.\n"
            "# TYPE quorumwatch_leader_elections_total counter\n"
            "quorumwatch_leader_elections_total{cause=\"planned\",system=\"etcd\",target=\"a\"} 3\n"
            "# HELP quorumwatch_leaders Members that lead.\n"
            "# TYPE quorumwatch_leaders gauge\n"
            "quorumwatch_leaders{system=\"etcd\",target=\"a\"} 1\n"
            "quorumwatch_leaders{system=\"redis\",target=\"b\"} 2\n"
            "# HELP quorumwatch_replication_lag_seconds A \\\\ \"lag\"\\nof two lines.\n"
            "# TYPE quorumwatch_replication_lag_seconds gauge\n"
            "quorumwatch_replication_lag_seconds{member=\"m\",system=\"etcd\",target=\"a\"} 0.25\n");
}

TEST(Page, WritesOpenMetricsExactly) {
  store::Snapshot snapshot;
  RoundBuilder etcd("etcd", "a");
  etcd.add(kElections, 3, {{"cause", "planned"}}).add(kLag, 0.25, {{"member", "m"}}).add(kOdd, 7);
  snapshot.rounds = {etcd.build()};
  EXPECT_EQ(write_page(snapshot, kNone, PageFormat::open_metrics),
            "# HELP quorumwatch_leader_elections Elections seen.\n"
            "# TYPE quorumwatch_leader_elections counter\n"
            "quorumwatch_leader_elections_total{cause=\"planned\",system=\"etcd\",target=\"a\"} 3\n"
            "# HELP quorumwatch_odd A counter without the suffix.\n"
            "# TYPE quorumwatch_odd unknown\n"
            "quorumwatch_odd{system=\"etcd\",target=\"a\"} 7\n"
            "# HELP quorumwatch_replication_lag_seconds A \\\\ \\\"lag\\\"\\nof two lines.\n"
            "# TYPE quorumwatch_replication_lag_seconds gauge\n"
            "# UNIT quorumwatch_replication_lag_seconds seconds\n"
            "quorumwatch_replication_lag_seconds{member=\"m\",system=\"etcd\",target=\"a\"} 0.25\n"
            "# EOF\n");
}

TEST(Page, OfNothingIsEmptyButForTheEndMark) {
  EXPECT_EQ(write_page({}, kNone, PageFormat::text), "");
  EXPECT_EQ(write_page({}, kNone, PageFormat::open_metrics), "# EOF\n");
}

TEST(Page, ACounterWhoseShortNameIsTakenKeepsItsNameInOpenMetrics) {
  static constexpr MetricFamily kGauge{"quorumwatch_x", MetricType::gauge, "A gauge.", ""};
  static constexpr MetricFamily kCounter{"quorumwatch_x_total", MetricType::counter, "A counter.", ""};
  store::Snapshot snapshot;
  snapshot.rounds = {RoundBuilder("s", "t").add(kCounter, 1).add(kGauge, 2).build()};
  auto read = read_exposition(write_page(snapshot, kNone, PageFormat::open_metrics), true);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front();
  EXPECT_EQ(read.families["quorumwatch_x"].type, "gauge");
  EXPECT_EQ(read.families["quorumwatch_x_total"].type, "unknown");
}

TEST(Page, TwoConstantsOfOneNameAreOneFamily) {
  static constexpr MetricFamily kOther{"quorumwatch_leaders", MetricType::gauge, "Members that lead.", ""};
  store::Snapshot snapshot;
  snapshot.rounds = {RoundBuilder("a", "t").add(kLeaders, 1).build(),
                     RoundBuilder("b", "t").add(kOther, 2).build()};
  auto read = read_exposition(write_page(snapshot, kNone, PageFormat::text), false);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front();
  EXPECT_EQ(read.samples.size(), 2U);
  EXPECT_EQ(read.order.size(), 1U);
}

class BothFormats : public testing::TestWithParam<PageFormat> {};
INSTANTIATE_TEST_SUITE_P(Page, BothFormats, testing::Values(PageFormat::text, PageFormat::open_metrics));

TEST_P(BothFormats, EachFamilyComesOnceAndInOrderWithTheDaemonsOwnInBetween) {
  SystemClock clock;
  SelfMetrics self(clock);
  self.loop_lag(std::chrono::milliseconds(3));
  auto read = read_exposition(write_page(snapshot_of_two_targets(), self.collect(), GetParam()),
                              GetParam() == PageFormat::open_metrics);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front();
  EXPECT_TRUE(std::ranges::is_sorted(read.order));
  for (const auto* name : {"process_open_fds", "quorumwatch_build_info", "quorumwatch_leaders"}) {
    EXPECT_TRUE(read.families.contains(name)) << name;
  }
  EXPECT_EQ(read.value("quorumwatch_event_loop_lag_seconds_count", {}), 1);
  EXPECT_EQ(read.value("quorumwatch_event_loop_lag_seconds_bucket", {{"le", "0.0025"}}), 0);
  EXPECT_EQ(read.value("quorumwatch_event_loop_lag_seconds_bucket", {{"le", "0.005"}}), 1);
  const auto* one_second = GetParam() == PageFormat::open_metrics ? "1.0" : "1";
  EXPECT_EQ(read.value("quorumwatch_event_loop_lag_seconds_bucket", {{"le", one_second}}), 1);
  EXPECT_EQ(read.value("quorumwatch_event_loop_lag_seconds_bucket", {{"le", "+Inf"}}), 1);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front();
}

TEST_P(BothFormats, SaysTheSameAsPrometheusCppOverTheSameStore) {
  const auto snapshot = std::make_shared<const store::Snapshot>(snapshot_of_two_targets());
  auto ours =
      read_exposition(write_page(*snapshot, kNone, GetParam()), GetParam() == PageFormat::open_metrics);
  ASSERT_TRUE(ours.problems.empty()) << ours.problems.front();

  auto families = StoreCollectable(snapshot).Collect();
  // The library does not escape HELP (style.md 6.4); the text is compared apart.
  for (auto& family : families) std::erase(family.help, '\n');
  auto theirs = read_exposition(prometheus::TextSerializer().Serialize(families), false);
  std::erase_if(theirs.problems, [](const auto& p) { return p.find("unknown escape") != std::string::npos; });
  ASSERT_TRUE(theirs.problems.empty()) << theirs.problems.front();

  ASSERT_EQ(ours.samples.size(), theirs.samples.size());
  std::size_t compared = 0;
  for (const auto& sample : theirs.samples) {
    const double value = ours.value(sample.name, sample.labels);
    if (std::isnan(sample.value)) {
      EXPECT_TRUE(std::isnan(value)) << sample.name;
    } else if (std::isinf(sample.value)) {
      EXPECT_EQ(value, sample.value) << sample.name;
    } else {
      // The library prints 16 digits.
      EXPECT_NEAR(value, sample.value, std::fabs(value) * 1e-15) << sample.name;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 19U);
  EXPECT_TRUE(ours.problems.empty()) << ours.problems.front();
}

TEST_P(BothFormats, SaysTheSameAsPrometheusCppOverTenThousandSeries) {
  const auto snapshot = std::make_shared<const store::Snapshot>(many_series(10'000));
  auto ours =
      read_exposition(write_page(*snapshot, kNone, GetParam()), GetParam() == PageFormat::open_metrics);
  auto theirs =
      read_exposition(prometheus::TextSerializer().Serialize(StoreCollectable(snapshot).Collect()), false);
  ASSERT_TRUE(ours.problems.empty()) << ours.problems.front();
  ASSERT_EQ(ours.samples.size(), 10'000U);
  ASSERT_EQ(theirs.samples.size(), 10'000U);
  for (std::size_t i = 0; i < ours.samples.size(); ++i) {
    ASSERT_EQ(ours.samples[i].name, theirs.samples[i].name);
    ASSERT_EQ(ours.samples[i].labels, theirs.samples[i].labels);
    ASSERT_NEAR(ours.samples[i].value, theirs.samples[i].value, ours.samples[i].value * 1e-15);
  }
}

TEST_P(BothFormats, AnyTextInALabelIsReadBackAsItWas) {
  static constexpr MetricFamily kText{"quorumwatch_text", MetricType::gauge, "Any text.", "text"};
  RoundBuilder target("s", "t");
  std::vector<std::string> texts{"",          "\\",           "\"",       "\n",   "\\n",
                                 "a\\\"b\n}", " {x=\"y\"} 1", "\xc3\xa9", "a,b=c"};
  for (const auto& text : texts) target.add(kText, 1, {{"text", text}});
  store::Snapshot snapshot;
  snapshot.rounds = {target.build()};
  auto read =
      read_exposition(write_page(snapshot, kNone, GetParam()), GetParam() == PageFormat::open_metrics);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front();
  for (const auto& text : texts) {
    EXPECT_EQ(read.value("quorumwatch_text", {{"system", "s"}, {"target", "t"}, {"text", text}}), 1) << text;
  }
  EXPECT_TRUE(read.problems.empty());
}

TEST(Page, PromtoolFindsNothingToSay) {
  ASSERT_EQ(std::system("command -v promtool >/dev/null"), 0) << "promtool comes with the package prometheus";
  SystemClock clock;
  SelfMetrics self(clock);
  Round round = *RoundBuilder("etcd", "control-plane").build();
  self.round_finished(round);
  self.config_reloaded(true, clock.wall());
  static constexpr MetricFamily kPlainLag{"quorumwatch_replication_lag_bytes", MetricType::gauge,
                                          "Bytes behind.", "member"};
  store::Snapshot snapshot;
  RoundBuilder etcd("etcd", "control-plane");
  etcd.add(kLeaders, 1)
      .add(kElections, 3, {{"cause", "planned"}})
      .add(kPlainLag, 1e300, {{"member", "\"\\\n"}});
  add_histogram(etcd, "10.0.0.1:2379");
  snapshot.rounds = {etcd.build()};
  FILE* promtool = ::popen("promtool check metrics", "w");
  ASSERT_NE(promtool, nullptr);
  const auto page = write_page(snapshot, self.collect(), PageFormat::text);
  std::fwrite(page.data(), 1, page.size(), promtool);
  EXPECT_EQ(::pclose(promtool), 0);
}

}  // namespace
}  // namespace qw::exporting
