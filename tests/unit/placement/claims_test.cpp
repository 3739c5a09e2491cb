#include "daemon/placement/claims.hpp"

#include <gmock/gmock.h>

namespace qw::placement {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const TargetId kEvents{.system = "kafka", .name = "events"};
const TargetId kOrders{.system = "kafka", .name = "orders"};
const TargetId kLogs{.system = "kafka", .name = "logs"};

TEST(Claims, ArePrintedAndReadBack) {
  const Standings standings{
      {kEvents, {.decided = true, .here = true, .asker = "", .silent = {"10.0.0.3:10979"}}},
      {kLogs, {.decided = true, .here = true}},
      {kOrders, {.decided = true, .here = false, .asker = "10.0.0.2:10979"}},
  };
  const Claims claims{{kEvents, {.rounds = 12, .taken = 60s, .last_round = 1500ms}},
                      {kLogs, {.rounds = 0, .taken = 2s}}};
  const auto body = print_claims("10.0.0.1:10979", standings, claims);
  EXPECT_THAT(body, HasSubstr(R"("self":"10.0.0.1:10979")"));
  EXPECT_THAT(body, HasSubstr(R"("status":"perhaps_twice","asked_by":"","silent":["10.0.0.3:10979"])"));
  EXPECT_THAT(body, HasSubstr(R"("status":"elsewhere","asked_by":"10.0.0.2:10979")"));
  const auto read = read_claims(body);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, claims);
}

TEST(Claims, WhatIsNoSuchAnswerIsRefused) {
  for (const auto* body :
       {"", "[]", "{}", R"({"data":{}})", R"({"data":{"targets":{}}})", R"({"data":{"targets":[1]}})",
        R"({"data":{"targets":[{"system":"kafka"}]}})",
        R"({"data":{"targets":[{"system":"kafka","target":"a","rounds":-1,"taken_seconds_ago":1}]}})",
        R"({"data":{"targets":[{"system":"kafka","target":"a","rounds":1,"taken_seconds_ago":1}]}})",
        R"({"data":{"targets":[{"system":"kafka","target":"a","rounds":0,"taken_seconds_ago":1e300}]}})",
        R"({"data":{"targets":[{"system":"kafka","target":"a","rounds":0,"taken_seconds_ago":"1"}]}})"}) {
    EXPECT_FALSE(read_claims(body)) << body;
  }
  EXPECT_EQ(read_claims(std::string(kMostBytes + 1, ' ')).error().kind(), ErrorKind::too_large);
  EXPECT_FALSE(read_claims(std::string(100'000, '[')));
}

TEST(Claims, TheStatusSaysWhoAsks) {
  EXPECT_EQ(status_of({}), "undecided");
  EXPECT_EQ(status_of({.decided = true, .here = true}), "here");
  EXPECT_EQ(status_of({.decided = true, .asker = "b"}), "elsewhere");
  EXPECT_EQ(status_of({.decided = true, .here = true, .asker = "b"}), "twice");
  EXPECT_EQ(status_of({.decided = true, .here = true, .silent = {"b"}}), "perhaps_twice");
}

}  // namespace
}  // namespace qw::placement
