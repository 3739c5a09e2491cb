#include "daemon/base/http_date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace qw {
namespace {

TEST(HttpDate, IsReadToTheSecond) {
  const std::pair<std::string_view, std::int64_t> cases[] = {
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
      {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
      {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},  // a leap second
  };
  for (const auto& [text, seconds] : cases) {
    EXPECT_EQ(parse_http_date(text), WallTime(std::chrono::seconds(seconds))) << text;
  }
}

TEST(HttpDate, OfAnyOtherFormIsNone) {
  for (const std::string_view text :
       {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 9999 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace qw
