#include "daemon/base/log_line.hpp"

#include <gtest/gtest.h>

#include "daemon/base/text.hpp"

namespace qw::log {
namespace {

const WallTime kAt = WallTime(std::chrono::milliseconds(1767323045678));  // 2026-01-02T03:04:05.678Z

TEST(LogLine, IsLogfmtWithTimeLevelMessageAndFields) {
  EXPECT_EQ(
      make_line(Format::logfmt, kAt, Level::info, "target is up",
                {{"system", "etcd"}, {"after", "1m30s"}, {"reason", "no route to host"}, {"empty", ""}}),
      "time=2026-01-02T03:04:05.678Z level=info msg=\"target is up\" system=etcd after=1m30s "
      "reason=\"no route to host\" empty=\"\"");
}

TEST(LogLine, IsJsonWithTheSameKeys) {
  EXPECT_EQ(make_line(Format::json, kAt, Level::warning, "up", {{"reason", "a \"b\""}}),
            R"({"time":"2026-01-02T03:04:05.678Z","level":"warn","msg":"up","reason":"a \"b\""})");
}

TEST(LogLine, NamesEveryLevel) {
  for (const auto& [level, word] :
       {std::pair{Level::debug, "level=debug "}, std::pair{Level::info, "level=info "},
        std::pair{Level::warning, "level=warn "}, std::pair{Level::error, "level=error "}}) {
    EXPECT_NE(make_line(Format::logfmt, kAt, level, "x", {}).find(word), std::string::npos);
  }
}

TEST(LogLine, PrintsTimesBeforeTheEpochAndOnlyInUtc) {
  setenv("TZ", "America/New_York", 1);
  EXPECT_EQ(make_line(Format::logfmt, WallTime(std::chrono::nanoseconds(-1)), Level::info, "x", {}),
            "time=1969-12-31T23:59:59.999Z level=info msg=x");
  unsetenv("TZ");
}

TEST(LogLine, NeverLetsAValueBecomeAnotherFieldOrLine) {
  struct Case {
    std::string value, printed;
  };
  const Case cases[] = {
      {"a b", "\"a b\""},
      {"a=b", "\"a=b\""},
      {"a\nlevel=error msg=forged", "\"a\\nlevel=error msg=forged\""},
      {"\x1b[2J\r\t\"\\", "\"\\u001b[2J\\r\\t\\\"\\\\\""},
      {std::string("\0", 1), "\"\\u0000\""},
      {"\xC2\x9B", "\"\\u009b\""},
      {"\xE2\x80\xAE", "\"\\u202e\""},
      {"\xFF", "\"\xEF\xBF\xBD\""},
      {"gr\xC3\xBC", "\"gr\xC3\xBC\""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(make_line(Format::logfmt, kAt, Level::info, "m", {{"v", c.value}}),
              "time=2026-01-02T03:04:05.678Z level=info msg=m v=" + c.printed);
    EXPECT_EQ(
        make_line(Format::json, kAt, Level::info, "m", {{"v", c.value}}),
        "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"msg\":\"m\",\"v\":" + c.printed + "}");
  }
}

TEST(LogLine, CutsLongTextsOnACharacterBoundary) {
  std::string text;
  while (text.size() < (1U << 20U)) text += "\xE2\x82\xAC";
  for (const auto format : {Format::logfmt, Format::json}) {
    const auto line = make_line(format, kAt, Level::info, text, {});
    EXPECT_LT(line.size(), 4300U);
    EXPECT_TRUE(is_valid_utf8(line));
    EXPECT_NE(line.find("...\""), std::string::npos);
  }
}

}  // namespace
}  // namespace qw::log
