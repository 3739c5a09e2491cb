#include "probes/wire/postgres_text.hpp"

#include <gtest/gtest.h>

namespace qw::wire {
namespace {

TEST(PostgresText, ReadsPositions) {
  EXPECT_EQ(parse_lsn("16/B374D848"), 0x16B374D848u);
  EXPECT_EQ(parse_lsn("0/0"), 0u);
  EXPECT_EQ(parse_lsn("FFFFFFFF/FFFFFFFF"), UINT64_MAX);
  for (const auto* bad :
       {"", "/", "1/", "/1", "1/2/3", "100000000/0", "0/100000000", "g/1", "-1/1", " 1/1"}) {
    EXPECT_FALSE(parse_lsn(bad)) << bad;
  }
}

TEST(PostgresText, ReadsTheTimelineOfASegment) {
  EXPECT_EQ(timeline_of_segment("0000000A0000000000000003"), 10u);
  for (const auto* bad :
       {"", "00000000000000000000000A", "000000010000000000000003.partial", "00000001000000000000000x"}) {
    EXPECT_FALSE(timeline_of_segment(bad)) << bad;
  }
}

TEST(PostgresText, ReadsTheHistoryOfATimeline) {
  const auto read =
      parse_timeline_history("1\t0/3000688\tno recovery target specified\n\n2\t1/0\tat\trestore point\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (std::vector<TimelineSwitch>{{1, 0x3000688}, {2, 0x100000000}}));
  EXPECT_EQ(parse_timeline_history("# a comment\n")->size(), 0u);
  for (const auto* bad :
       {"1", "1 0/1", "0\t0/1\tx", "1\tnowhere\tx", "2\t0/1\tx\n1\t0/2\ty", "5000000000\t0/1\tx"}) {
    EXPECT_FALSE(parse_timeline_history(bad)) << bad;
  }
  std::string many;
  for (int i = 1; i <= 1001; ++i) many += std::to_string(i) + "\t0/1\tx\n";
  const auto refused = parse_timeline_history(many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::too_large);
}

}  // namespace
}  // namespace qw::wire
