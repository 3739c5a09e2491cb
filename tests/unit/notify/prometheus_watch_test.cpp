#include "daemon/notify/prometheus_watch.hpp"

#include <gtest/gtest.h>

namespace qw::notify {
namespace {

using namespace std::chrono_literals;

const WallTime kDate{1795213540s};  // 2026-11-20T22:25:40Z

std::string group(const std::string& last, const std::string& interval = "5") {
  return R"({"name":"g","interval":)" + interval + R"(,"lastEvaluation":")" + last + R"(","rules":[]})";
}
std::string reply(const std::string& groups) {
  return R"({"status":"success","data":{"groups":[)" + groups + "]}}";
}

TEST(PrometheusWatch, ReadsHowLongAgoTheLastEvaluationWas) {
  const auto health = read_rules_reply(
      reply(group("2026-11-20T22:25:31.731912379Z", "30") + "," + group("2026-11-20T23:25:37.7+01:00", "15")),
      kDate);
  ASSERT_TRUE(health) << health.error().message();
  EXPECT_EQ(health->last_evaluation, 3s) << "the newest of all groups, whatever its zone";
  EXPECT_EQ(health->interval, 15s);
}

TEST(PrometheusWatch, KnowsWhenNothingWasEvaluated) {
  EXPECT_EQ(read_rules_reply(reply(""), kDate)->last_evaluation, std::nullopt);
  EXPECT_EQ(read_rules_reply(reply(group("0001-01-01T00:00:00Z")), kDate)->last_evaluation, std::nullopt);
  EXPECT_EQ(
      read_rules_reply(reply(R"({"name":1,"interval":"x","lastEvaluation":7})"), kDate)->last_evaluation,
      std::nullopt);
}

TEST(PrometheusWatch, RefusesWhatIsNoAnswer) {
  for (const auto* body : {"", "[]", "{}", R"({"data":{}})", R"({"data":{"groups":{}}})", "<html>"}) {
    const auto health = read_rules_reply(body, kDate);
    ASSERT_FALSE(health) << body;
    EXPECT_EQ(health.error().kind(), ErrorKind::protocol);
  }
}

Result<RuleHealth> good() {
  return RuleHealth{.last_evaluation = 4s, .interval = 5s};
}
Result<RuleHealth> failed(ErrorKind kind) {
  return fail(kind, "no");
}

TEST(PrometheusWatch, BelievesItAfterSomeGoodAnswers) {
  PrometheusWatch::Verdict verdict;
  EXPECT_FALSE(verdict.observe(good()));
  EXPECT_FALSE(verdict.observe(good()));
  EXPECT_TRUE(verdict.observe(good()));
  EXPECT_TRUE(verdict.observe(failed(ErrorKind::timeout))) << "one may be chance";
  EXPECT_TRUE(verdict.observe(good()));
  verdict.observe(failed(ErrorKind::timeout));
  EXPECT_FALSE(verdict.observe(failed(ErrorKind::timeout)));
}

TEST(PrometheusWatch, TakesOverAtOnceWhereNobodyListensOrNothingIsEvaluated) {
  for (const auto& bad :
       {failed(ErrorKind::refused), failed(ErrorKind::unreachable), Result<RuleHealth>(RuleHealth()),
        Result<RuleHealth>(RuleHealth{.last_evaluation = 16s, .interval = 5s})}) {
    PrometheusWatch::Verdict verdict;
    for (int i = 0; i < 3; ++i) verdict.observe(good());
    EXPECT_FALSE(verdict.observe(bad));
    EXPECT_FALSE(verdict.observe(good())) << "and hands back only after some good answers";
  }
  PrometheusWatch::Verdict slow;
  const Result<RuleHealth> minute(RuleHealth{.last_evaluation = 100s, .interval = 60s});
  for (int i = 0; i < 2; ++i) slow.observe(minute);
  EXPECT_TRUE(slow.observe(minute)) << "its groups are slow, not dead";
}

}  // namespace
}  // namespace qw::notify
