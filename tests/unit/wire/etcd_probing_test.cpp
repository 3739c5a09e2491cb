#include "probes/wire/etcd_probing.hpp"

#include <gtest/gtest.h>

namespace qw::wire {
namespace {

TEST(EtcdProbing, ReadsTheTimeToTheNanosecond) {
  const auto time = parse_etcd_probing(R"({"OK":true,"Now":"2026-11-21T16:43:09.507559428Z"})");
  ASSERT_TRUE(time) << time.error().message();
  EXPECT_EQ(*time, WallTime(Nanoseconds(1'795'279'389'507'559'428)));
}

TEST(EtcdProbing, ReadsOtherZonesAndShortFractions) {
  for (const auto* text : {"2026-11-21T17:43:09.5+01:00", "2026-11-21T15:13:09.500-01:30"}) {
    const auto time = parse_etcd_probing(R"({"OK":true,"Now":")" + std::string(text) + "\"}");
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(*time, WallTime(std::chrono::milliseconds(1'795'279'389'500))) << text;
  }
  EXPECT_EQ(parse_etcd_probing(R"({"Now":"1970-01-01T00:00:01Z"})"), WallTime(std::chrono::seconds(1)));
}

TEST(EtcdProbing, RefusesWhatIsNoTime) {
  for (const auto* body :
       {"", "{}", "[]", "null", R"({"Now":5})", R"({"Now":""})", R"({"Now":"2026-11-21T16:43:09"})",
        R"({"Now":"2026-11-21T16:43:09."})", R"({"Now":"2026-02-30T16:43:09Z"})",
        R"({"Now":"2026-11-21T24:43:09Z"})", R"({"Now":"2026-11-21T16:43:09.1234567891Z"})",
        R"({"Now":"9999-11-21T16:43:09Z"})", R"({"Now":"2026-11-21 16:43:09Z"})",
        R"({"Now":"2026-11-21T16:43:09+1:00"})"}) {
    EXPECT_FALSE(parse_etcd_probing(body)) << body;
  }
}

}  // namespace
}  // namespace qw::wire
