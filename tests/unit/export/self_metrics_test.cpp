#include "daemon/export/self_metrics.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "daemon/export/page.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

class SelfMetricsTest : public testing::Test {
 protected:
  Exposition read() { return read_exposition(write_page({}, self_.collect(), PageFormat::text), false); }
  static bool has(const Exposition& page, const std::string& name) {
    return std::ranges::any_of(page.samples, [&](const auto& sample) { return sample.name == name; });
  }
  static Round failed(ErrorKind kind) {
    Round round = *RoundBuilder("etcd", "a").build();
    round.success = false;
    round.reason = "nobody answered";
    for (const auto* member : {"m1", "m2"}) {
      round.facts.unanswered.push_back({.member = member, .asked = {}, .error = Error(kind, "no")});
    }
    return round;
  }

  SystemClock clock_;
  SelfMetrics self_{clock_};
};

const std::map<std::string, std::string> kTarget{{"system", "etcd"}, {"target", "a"}};
std::map<std::string, std::string> with_reason(std::string reason) {
  auto labels = kTarget;
  labels["reason"] = std::move(reason);
  return labels;
}

TEST_F(SelfMetricsTest, CountsRoundsByTargetAndReason) {
  Round good = *RoundBuilder("etcd", "a").build();
  good.at = WallTime(std::chrono::milliseconds(1'700'000'000'500));
  good.finished = good.started + std::chrono::milliseconds(20);
  self_.round_finished(failed(ErrorKind::timeout));
  self_.round_finished(failed(ErrorKind::timeout));
  EXPECT_FALSE(has(read(), "quorumwatch_probe_last_success_timestamp_seconds")) << "there was none";
  self_.round_finished(good);
  self_.rounds_missed({"etcd", "a"}, 3);
  auto page = read();
  EXPECT_EQ(page.value("quorumwatch_probe_rounds_total", kTarget), 3);
  EXPECT_EQ(page.value("quorumwatch_probe_rounds_missed_total", kTarget), 3);
  EXPECT_EQ(page.value("quorumwatch_probe_round_failures_total", with_reason("timeout")), 2);
  EXPECT_EQ(page.value("quorumwatch_probe_members_unanswered_total", with_reason("timeout")), 4);
  EXPECT_EQ(page.value("quorumwatch_probe_duration_seconds", kTarget), 0.02);
  EXPECT_EQ(page.value("quorumwatch_probe_last_success_timestamp_seconds", kTarget), 1'700'000'000.5);
  EXPECT_TRUE(page.problems.empty()) << page.problems.front();
}

TEST_F(SelfMetricsTest, ATargetThatIsRemovedTakesItsSeriesAlong) {
  self_.round_finished(failed(ErrorKind::refused));
  self_.round_finished(*RoundBuilder("etcd", "a").build());
  self_.round_finished(*RoundBuilder("etcd", "b").build());
  self_.target_removed({"etcd", "a"});
  self_.target_removed({"etcd", "never seen"});
  for (const auto& sample : read().samples) {
    const auto target = sample.labels.find("target");
    if (target != sample.labels.end()) {
      EXPECT_EQ(target->second, "b") << sample.name;
    }
  }
  self_.round_finished(*RoundBuilder("etcd", "a").build());
  EXPECT_EQ(read().value("quorumwatch_probe_rounds_total", kTarget), 1) << "it begins again";
}

TEST_F(SelfMetricsTest, TotalsThatOthersCountAreShownAsTheyAre) {
  self_.set_http(5, 10, 20, 30);
  self_.set_http(4, 12, 20, 31);
  self_.set_series(100, 7);
  self_.set_log_dropped(9);
  self_.set_dns(2, std::chrono::seconds(30));
  self_.set_live_coroutines(17);
  self_.set_targets(11, 3);
  auto page = read();
  EXPECT_EQ(page.value("quorumwatch_http_connections", {}), 4);
  EXPECT_EQ(page.value("quorumwatch_http_evicted_total", {}), 12);
  EXPECT_EQ(page.value("quorumwatch_http_accept_failures_total", {}), 20);
  EXPECT_EQ(page.value("quorumwatch_http_timeouts_total", {}), 31);
  EXPECT_EQ(page.value("quorumwatch_series", {}), 100);
  EXPECT_EQ(page.value("quorumwatch_series_dropped_total", {}), 7);
  EXPECT_EQ(page.value("quorumwatch_log_dropped_total", {}), 9);
  EXPECT_EQ(page.value("quorumwatch_dns_in_flight", {}), 2);
  EXPECT_EQ(page.value("quorumwatch_dns_cache_age_seconds", {}), 30);
  EXPECT_EQ(page.value("quorumwatch_live_coroutines", {}), 17);
  EXPECT_EQ(page.value("quorumwatch_targets", {}), 11);
  EXPECT_EQ(page.value("quorumwatch_probes_in_flight", {}), 3);
  EXPECT_TRUE(page.problems.empty()) << page.problems.front();
}

TEST_F(SelfMetricsTest, TheAgeOfNoNameIsAbsent) {
  self_.set_dns(0, std::chrono::seconds(30));
  self_.set_dns(0, std::nullopt);
  EXPECT_FALSE(has(read(), "quorumwatch_dns_cache_age_seconds"));
}

TEST_F(SelfMetricsTest, AFailedReloadKeepsTheTimeOfTheLastGoodOne) {
  EXPECT_FALSE(has(read(), "quorumwatch_config_last_reload_successful"));
  self_.config_reloaded(true, WallTime(std::chrono::seconds(100)));
  self_.config_reloaded(false, WallTime(std::chrono::seconds(200)));
  auto page = read();
  EXPECT_EQ(page.value("quorumwatch_config_last_reload_successful", {}), 0);
  EXPECT_EQ(page.value("quorumwatch_config_last_reload_success_timestamp_seconds", {}), 100);
}

TEST_F(SelfMetricsTest, HistogramsAndEventsCount) {
  self_.probe_started(std::chrono::microseconds(150));
  self_.probe_started(std::chrono::seconds(60));
  self_.loop_lag(std::chrono::milliseconds(2));
  self_.wall_clock_jumped(std::chrono::seconds(-3600));
  self_.task_failed("probe etcd a");
  auto page = read();
  EXPECT_EQ(page.value("quorumwatch_probe_start_lateness_seconds_bucket", {{"le", "0.0001"}}), 0);
  EXPECT_EQ(page.value("quorumwatch_probe_start_lateness_seconds_bucket", {{"le", "0.00025"}}), 1);
  EXPECT_EQ(page.value("quorumwatch_probe_start_lateness_seconds_bucket", {{"le", "10"}}), 1);
  EXPECT_EQ(page.value("quorumwatch_probe_start_lateness_seconds_count", {}), 2);
  EXPECT_EQ(page.value("quorumwatch_event_loop_lag_seconds_count", {}), 1);
  EXPECT_EQ(page.value("quorumwatch_wall_clock_jumps_total", {}), 1);
  EXPECT_EQ(page.value("quorumwatch_wall_clock_last_jump_seconds", {}), -3600);
  EXPECT_EQ(page.value("quorumwatch_coroutine_failures_total", {}), 1);
  EXPECT_TRUE(page.problems.empty()) << page.problems.front();
}

TEST_F(SelfMetricsTest, DescribesItsProcess) {
  auto page = read();
  EXPECT_GT(page.value("process_resident_memory_bytes", {}), 1 << 20);
  EXPECT_GT(page.value("process_virtual_memory_bytes", {}), page.value("process_resident_memory_bytes", {}));
  EXPECT_GT(page.value("process_cpu_seconds_total", {}), 0);
  EXPECT_GE(page.value("process_max_fds", {}), page.value("process_open_fds", {}));
  const double age = seconds(clock_.wall()) - page.value("process_start_time_seconds", {});
  EXPECT_GE(age, -1);
  EXPECT_LT(age, 3600);
  const int extra = ::dup(0);
  EXPECT_EQ(read().value("process_open_fds", {}), page.value("process_open_fds", {}) + 1);
  ::close(extra);
  EXPECT_TRUE(page.problems.empty()) << page.problems.front();
}

TEST_F(SelfMetricsTest, EveryFamilyIsDescribedOnceAndAsItIsExported) {
  self_.round_finished(failed(ErrorKind::timeout));
  self_.round_finished(*RoundBuilder("etcd", "a").build());
  self_.config_reloaded(true, clock_.wall());
  self_.wall_clock_jumped(std::chrono::seconds(1));
  self_.set_dns(0, std::chrono::seconds(1));
  const auto page = read();
  std::set<std::string> described;
  for (const auto& family : SelfMetrics::families()) {
    EXPECT_TRUE(described.emplace(family.name).second) << family.name;
    const auto found = page.families.find(std::string(family.name));
    if (found == page.families.end()) {
      ADD_FAILURE() << family.name << " is described but not exported";
      continue;
    }
    EXPECT_EQ(found->second.type, name(family.type)) << family.name;
    EXPECT_EQ(found->second.help, family.help);
  }
  for (const auto& [name, family] : page.families) EXPECT_TRUE(described.contains(name)) << name;
}

}  // namespace
}  // namespace qw::exporting
