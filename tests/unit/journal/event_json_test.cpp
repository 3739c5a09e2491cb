#include "daemon/journal/event_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"

namespace qw::journal {
namespace {

Event event() {
  return {.at = *parse_timestamp("2026-11-21T09:33:34.123456789Z"),
          .kind = Kind::split_brain,
          .change = Change::began,
          .severity = Severity::critical,
          .target = {.system = "redis", .name = "sessions"},
          .subject = "10.0.0.1:6379",
          .what = "unfenced",
          .text = "two lead \"at once\" <b>",
          .evidence = {{"quorumwatch_leaders", "2"}, {"quorumwatch_leader_epoch", "18446744073709551615"}}};
}

TEST(EventJson, ALineIsReadBackAsItWas) {
  const auto line = encode_event(event());
  EXPECT_FALSE(line.contains('\n'));
  EXPECT_THAT(line, testing::StartsWith(R"({"at":"2026-11-21T09:33:34.123456789Z","kind":"split_brain")"));
  const auto read = decode_event(line);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, event());
}

TEST(EventJson, WhateverATargetSaysFitsIntoALine) {
  auto hostile = event();
  hostile.target.name = std::string(1'000'000, 'n');
  hostile.subject = std::string(1'000'000, '\xff');
  hostile.text = "\x1b[31m\n\r\0</script>" + std::string(1'000'000, '"');
  hostile.evidence.assign(1000, {std::string(100'000, '\\'), std::string(100'000, '\x01')});
  make_safe(hostile);
  const auto line = encode_event(hostile);
  EXPECT_LT(line.size(), kMaxLine);
  EXPECT_TRUE(is_valid_utf8(line));
  EXPECT_FALSE(line.contains('\n'));
  const auto read = decode_event(line);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, hostile);
}

TEST(EventJson, WhatIsNoLineOfOursIsRefused) {
  const auto whole = encode_event(event());
  EXPECT_FALSE(decode_event(""));
  EXPECT_FALSE(decode_event("[]"));
  EXPECT_FALSE(decode_event("{}"));
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_FALSE(decode_event(whole.substr(0, cut))) << cut;
  EXPECT_FALSE(decode_event(std::string(kMaxLine + 1, ' ') + whole));
  EXPECT_FALSE(decode_event(std::string(1000, '[')));
  EXPECT_TRUE(decode_event(R"({"at":"2026-11-21T09:33:34.000000000Z","kind":"daemon","change":"happened",)"
                           R"("severity":"info","what":"started","text":"","of a later version":[1]})"));
}

TEST(Timestamp, IsExactAndStrict) {
  for (const auto* text : {"1970-01-01T00:00:00.000000000Z", "2026-02-28T23:59:59.999999999Z",
                           "2200-12-31T00:00:00.000000001Z"}) {
    const auto time = parse_timestamp(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(print_timestamp(*time), text);
  }
  for (const auto* text : {"", "2026-02-29T00:00:00.000000000Z", "2026-11-21T24:00:00.000000000Z",
                           "2026-11-21T09:33:34Z", "1969-12-31T23:59:59.000000000Z",
                           "2026-11-21 09:33:34.000000000Z", "9999-11-21T09:33:34.000000000Z"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

}  // namespace
}  // namespace qw::journal
