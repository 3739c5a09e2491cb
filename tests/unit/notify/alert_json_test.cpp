#include "daemon/notify/alert_json.hpp"

#include <gtest/gtest.h>

namespace qw::notify {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = WallTime(1795213471s + 730ms);  // 2026-11-20T22:24:31.730Z

Alert firing() {
  return {.labels = {{"alertname", "A \"1\""}, {"cluster", "c1"}},
          .annotations = {{"d", "line\nbreak"}},
          .starts_at = kNow - 6s,
          .ends_at = std::nullopt,
          .generator_url = "http://vm:10979/x?a=b&c=d"};
}

std::string body(const Alert& alert, std::optional<WallTime> their_now = std::nullopt) {
  const Alert* one = &alert;
  return alerts_body(std::span(&one, 1), their_now);
}

TEST(AlertJson, AFiringAlertHasNoEndOfOurs) {
  EXPECT_EQ(
      body(firing()),
      R"([{"annotations":{"d":"line\nbreak"},"startsAt":"2026-11-20T22:24:25.730Z",)"
      R"("generatorURL":"http://vm:10979/x?a=b&c=d","labels":{"alertname":"A \"1\"","cluster":"c1"}}])");
}

TEST(AlertJson, AnEndedOneHasOneThatIsNotBeforeItsStart) {
  auto alert = firing();
  alert.generator_url = {};
  alert.ends_at = kNow;
  EXPECT_NE(body(alert).find(R"("endsAt":"2026-11-20T22:24:31.730Z")"), std::string::npos);
  alert.ends_at = alert.starts_at - 1h;  // our clock was set back meanwhile
  EXPECT_NE(body(alert).find(R"("endsAt":"2026-11-20T22:24:25.730Z")"), std::string::npos);
}

TEST(AlertJson, NothingLiesInTheFutureOfAnAlertmanagerWhoseClockIsKnown) {
  auto alert = firing();
  alert.ends_at = kNow;
  const auto text = body(alert, kNow - 1h);
  EXPECT_NE(text.find(R"("startsAt":"2026-11-20T21:24:31.730Z")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("endsAt":"2026-11-20T21:24:31.730Z")"), std::string::npos) << text;
}

TEST(AlertJson, TimesHaveMilliseconds) {
  EXPECT_EQ(rfc3339(WallTime()), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(WallTime(-1ns)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(rfc3339(kNow + 999us), "2026-11-20T22:24:31.730Z");
}

}  // namespace
}  // namespace qw::notify
