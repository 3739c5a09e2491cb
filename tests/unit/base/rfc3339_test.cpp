#include "daemon/base/rfc3339.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

TEST(FormatTime, IsUtcWithMilliseconds) {
  const WallTime at(std::chrono::milliseconds(1'795'253'614'123));
  EXPECT_EQ(format_time(at), "2026-11-21T09:33:34.123Z");
  EXPECT_EQ(format_time_of_day(at), "09:33:34");
  EXPECT_EQ(format_time(WallTime(-std::chrono::milliseconds(1))), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace qw
