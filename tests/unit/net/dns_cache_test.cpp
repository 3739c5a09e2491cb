#include "daemon/net/dns_cache.hpp"

#include <gtest/gtest.h>

namespace qw::net {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const std::vector<boost::asio::ip::address> kOne = {boost::asio::ip::make_address("10.0.0.1")};
constexpr SteadyTime kStart{hours(1)};

TEST(DnsCache, HoldsTheTimeToLiveWithinOneSecondAndOneHour) {
  struct Case {
    Nanoseconds ttl;
    Nanoseconds kept;
  };
  const Case cases[] = {{seconds(0), seconds(1)}, {seconds(1), seconds(1)}, {seconds(30), seconds(30)},
                        {hours(1), hours(1)},     {hours(48), hours(1)},    {seconds(-5), seconds(1)}};
  for (const auto& c : cases) {
    DnsCache cache;
    cache.put("a", kOne, c.ttl, kStart);
    const auto before = cache.find("a", kStart + c.kept - Nanoseconds(1));
    const auto after = cache.find("a", kStart + c.kept);
    ASSERT_TRUE(before && after);
    EXPECT_TRUE(before->fresh);
    EXPECT_FALSE(after->fresh);
  }
}

TEST(DnsCache, HasTheAgeOfTheOldestAnswerThatServes) {
  DnsCache cache;
  EXPECT_FALSE(cache.age(kStart));
  cache.put("a", kOne, seconds(10), kStart);
  cache.put("b", kOne, hours(1), kStart + seconds(20));
  EXPECT_EQ(cache.age(kStart + minutes(1)), minutes(1));
  EXPECT_EQ(cache.age(kStart + minutes(10)), minutes(10) - seconds(20)) << "a serves no more";
  EXPECT_FALSE(cache.age(kStart + hours(2)));
}

TEST(DnsCache, KeepsAStaleAnswerForFiveMinutesAndNoLonger) {
  DnsCache cache;
  cache.put("a", kOne, seconds(10), kStart);
  const auto last = cache.find("a", kStart + seconds(10) + minutes(5) - Nanoseconds(1));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->value, kOne);
  EXPECT_FALSE(cache.find("a", kStart + seconds(10) + minutes(5)));
}

TEST(DnsCache, RemembersWhenTheServersDidNotAnswerUntilTheyDo) {
  DnsCache cache;
  cache.refresh_failed("unknown", kStart);
  EXPECT_EQ(cache.size(), 0U);
  cache.put("a", kOne, seconds(1), kStart);
  EXPECT_EQ(cache.find("a", kStart)->refresh_failed, SteadyTime());
  cache.refresh_failed("a", kStart + seconds(2));
  EXPECT_EQ(cache.find("a", kStart + seconds(3))->refresh_failed, kStart + seconds(2));
  cache.put("a", kOne, seconds(1), kStart + seconds(4));
  EXPECT_EQ(cache.find("a", kStart + seconds(4))->refresh_failed, SteadyTime());
}

TEST(DnsCache, EvictsTheNameAnsweredLongestAgoAtTheCap) {
  DnsCache cache(3);
  for (const char* name : {"a", "b", "c"}) cache.put(name, kOne, seconds(60), kStart);
  cache.put("a", kOne, seconds(60), kStart + seconds(1));
  cache.put("d", kOne, seconds(60), kStart + seconds(2));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_TRUE(cache.find("a", kStart + seconds(2)));
  EXPECT_FALSE(cache.find("b", kStart + seconds(2)));
  EXPECT_TRUE(cache.find("c", kStart + seconds(2)));
  EXPECT_TRUE(cache.find("d", kStart + seconds(2)));
}

TEST(DnsCache, ForgetsANameThatTheServersDeny) {
  DnsCache cache;
  cache.put("a", kOne, seconds(60), kStart);
  cache.erase("a");
  cache.erase("a");
  EXPECT_FALSE(cache.find("a", kStart));
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace qw::net
