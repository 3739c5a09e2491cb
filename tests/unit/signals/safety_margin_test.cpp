#include "probes/signals/safety_margin.hpp"

#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

using std::chrono::milliseconds;

Traits raft(std::optional<Nanoseconds> election, std::optional<Nanoseconds> heartbeat = {}) {
  auto traits = etcd();
  traits.election_timeout = election;
  traits.heartbeat_interval = heartbeat;
  return traits;
}

RoundTrip trip(std::string member, std::string method, double start, Nanoseconds value) {
  return {.member = std::move(member),
          .method = std::move(method),
          .asked = asked(start, start + 1),
          .value = value,
          .error = {}};
}

/// Twenty rounds in which members a and b claim, c says nothing of leaders, and each answers so fast.
Story told(const Traits& traits, int a, int b) {
  Story story(traits);
  for (int round = 0; round < 20; ++round) {
    Look look(round * 1000, round * 1000 + 1);
    look.leads("a", 7).follows("b", "a", 7);
    const auto start = round * 1000;
    look.facts().round_trips = {
        trip("a", "http", start, milliseconds(a)), trip("b", "http", start, milliseconds(b)),
        trip("b", "icmp", start, milliseconds(b / 2)), trip("c", "http", start, milliseconds(500))};
    story.round({look});
  }
  return story;
}

TEST(SafetyMargin, IsTheTimeOutOverTenRoundTrips) {
  const auto story = told(raft(milliseconds(1000), milliseconds(100)), 5, 200);
  EXPECT_NEAR(*story.value("election_timeout_seconds"), 1, 1e-12);
  EXPECT_NEAR(*story.value("heartbeat_interval_seconds"), 0.1, 1e-12);
  EXPECT_NEAR(*story.value("rtt_p99_seconds{member=a,method=http}"), 0.005, 1e-12);
  EXPECT_NEAR(*story.value("election_timeout_margin_ratio{member=a,method=http}"), 20, 1e-9);
  EXPECT_NEAR(*story.value("heartbeat_margin_ratio{member=a,method=http}"), 20, 1e-9);
  EXPECT_NEAR(*story.value("election_timeout_margin_ratio{member=b,method=icmp}"), 1, 1e-9)
      << "by its best method";
  EXPECT_EQ(story.value("election_timeout_margin_ratio{member=b,method=http}"), std::nullopt);
  EXPECT_EQ(story.value("election_timeout_margin_ratio{member=c,method=http}"), std::nullopt)
      << "it takes no part in elections";
}

TEST(SafetyMargin, IsAbsentWhereTheTimeOutIsNotKnown) {
  const auto nothing = told(raft({}), 5, 200);
  EXPECT_EQ(nothing.value("election_timeout_seconds"), std::nullopt);
  EXPECT_EQ(nothing.value("election_timeout_margin_ratio{member=a,method=http}"), std::nullopt);
  const auto no_heartbeat = told(raft(milliseconds(700)), 5, 200);
  EXPECT_NEAR(*no_heartbeat.value("election_timeout_margin_ratio{member=a,method=http}"), 14, 1e-9);
  EXPECT_EQ(no_heartbeat.value("heartbeat_margin_ratio{member=a,method=http}"), std::nullopt);
}

TEST(SafetyMargin, NeedsTenRoundTripsAndAnAnswerInThisRound) {
  Story story(raft(milliseconds(1000)));
  const auto round = [&](int number) {
    Look look(number * 1000, number * 1000 + 1);
    look.leads("a", 7);
    if (number != 12) look.facts().round_trips = {trip("a", "http", number * 1000, milliseconds(1))};
    story.round({look});
    return story.value("election_timeout_margin_ratio{member=a,method=http}");
  };
  for (int number = 0; number < 14; ++number) {
    EXPECT_EQ(round(number).has_value(), number >= 9 && number != 12) << number;
  }
}

}  // namespace
}  // namespace qw::signals
