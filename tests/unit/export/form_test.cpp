#include "daemon/export/form.hpp"

#include <gtest/gtest.h>

namespace qw::exporting {
namespace {

TEST(Form, ReadsQueryAndBody) {
  const Form form("query=up%7Bjob%3D%22a%22%7D&match[]=a&time=5&empty=&flag&x=1%2B1",
                  "match%5B%5D=b+c&time=6");
  EXPECT_EQ(form.get("query"), "up{job=\"a\"}");
  EXPECT_EQ(form.get("time"), "6") << "the body comes first";
  EXPECT_EQ(form.get("empty"), "");
  EXPECT_EQ(form.get("flag"), "");
  EXPECT_EQ(form.get("x"), "1+1");
  EXPECT_EQ(form.get("none"), "");
  EXPECT_EQ(form.all("match[]"), (std::vector<std::string>{"b c", "a"}));
}

TEST(Form, WhatIsNoEscapeStandsForItself) {
  const Form form("a=100%&b=%zz&c=%4&d=%00&=e&&f==g", "");
  EXPECT_EQ(form.get("a"), "100%");
  EXPECT_EQ(form.get("b"), "%zz");
  EXPECT_EQ(form.get("c"), "%4");
  EXPECT_EQ(form.get("d"), std::string_view("\0", 1));
  EXPECT_EQ(form.get("f"), "=g");
}

TEST(ApiTime, IsSecondsOrADate) {
  EXPECT_EQ(parse_api_time("1763718000"), 1'763'718'000'000);
  EXPECT_EQ(parse_api_time("1763718000.1235"), 1'763'718'000'124);
  EXPECT_EQ(parse_api_time("-1.5"), -1500);
  EXPECT_EQ(parse_api_time("1.7e9"), 1'700'000'000'000);
  EXPECT_EQ(parse_api_time("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(parse_api_time("2026-11-21T09:40:00.1239Z"), 1'795'254'000'123);
  EXPECT_EQ(parse_api_time("2026-11-21T10:40:00+01:00"), 1'795'254'000'000);
  EXPECT_EQ(parse_api_time("1969-12-31T23:59:59Z"), -1000);
  for (const auto* const bad :
       {"", "x", "NaN", "Inf", "1e300", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-21T24:00:00Z", "2026-11-21T09:40:00", "2026-11-21T09:40:00.Z", "2026-11-21T09:40:00Zx",
        "2026-11-21 09:40:00Z", "1 ", "0x10"})
    EXPECT_FALSE(parse_api_time(bad)) << bad;
}

TEST(ApiDuration, IsSecondsOrADuration) {
  EXPECT_EQ(parse_api_duration("15"), 15'000);
  EXPECT_EQ(parse_api_duration("0.5"), 500);
  EXPECT_EQ(parse_api_duration("1h30m"), 5'400'000);
  for (const auto* const bad : {"", "x", "5m5", "NaN"}) EXPECT_FALSE(parse_api_duration(bad)) << bad;
}

}  // namespace
}  // namespace qw::exporting
