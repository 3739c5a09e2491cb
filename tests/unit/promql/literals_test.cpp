#include "daemon/promql/literals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"

namespace qw::promql {
namespace {

TEST(PromqlDurations, AreReadAndPrintedAsInPrometheus) {
  const std::vector<std::pair<std::string_view, Millis>> cases = {
      {"0s", 0},
      {"1ms", 1},
      {"5m", 300'000},
      {"1h30m", 5'400'000},
      {"1d", 86'400'000},
      {"1w", 604'800'000},
      {"8d", 691'200'000},
      {"1y", 31'536'000'000},
      {"366d", 31'622'400'000},
      {"1m30s500ms", 90'500},
      {"2w", 1'209'600'000},
  };
  for (const auto& [text, millis] : cases) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, millis) << text;
    EXPECT_EQ(print_duration(millis), text);
  }
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("90s"), 90'000);
  EXPECT_EQ(print_duration(-5'400'000), "-1h30m");
  EXPECT_EQ(print_duration(std::numeric_limits<Millis>::min()).front(), '-');
}

TEST(PromqlDurations, RefuseWhatIsNone) {
  for (const auto* const bad : {"", "5", "m", "-5m", "5m5m", "5m1h", "1.5h", "5 m", "5mm", "300y",
                                "99999999999999999999s", "5ms1s", " 5m", "5m "})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(PromqlLiterals, ValuesPrintAsGoPrintsThem) {
  const std::vector<std::pair<double, std::string_view>> cases = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {100'000, "100000"},
      {1'000'000, "1e+06"},
      {123'456'789, "1.23456789e+08"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {9.730000019073486, "9.730000019073486"},
      {1e300, "1e+300"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
  };
  for (const auto& [value, wanted] : cases) EXPECT_EQ(print_value(value), wanted);
}

TEST(PromqlLiterals, DecimalsHaveNoExponent) {
  EXPECT_EQ(print_decimal(1e21), "1000000000000000000000");
  EXPECT_EQ(print_decimal(1e-7), "0.0000001");
  EXPECT_EQ(print_decimal(-1.5), "-1.5");
  for (const double value : {5e-324, 1.7976931348623157e308, 0.1, 1.0 / 3})
    EXPECT_EQ(std::strtod(print_decimal(value).c_str(), nullptr), value);
}

TEST(PromqlLiterals, QuotedTextReadsBack) {
  EXPECT_EQ(quote("a\"b\\c\n"), R"("a\"b\\c\n")");
  EXPECT_EQ(quote("\x01\x7f\xff"), R"("\x01\x7f\xff")");
  EXPECT_EQ(quote("\xc3\xa9\xe2\x80\xae"), "\"\xc3\xa9\\u202e\"");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (int c = 0x80; c < 0x3000; c += 7) append_utf8(all, static_cast<char32_t>(c));
  append_utf8(all, 0x1F600);
  append_utf8(all, 0xE0001);
  const auto read = parse(quote(all));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<String>((*read)->node).value, all);
}

TEST(PromqlLiterals, LabelsPrintAsASelector) {
  EXPECT_EQ(print(Labels{{"__name__", "up"}, {"job", "x\"y"}, {"a", ""}}), R"(up{a="", job="x\"y"})");
  EXPECT_EQ(print(Labels{{"__name__", "up"}}), "up");
  EXPECT_EQ(print(Labels{{"job", "x"}}), R"({job="x"})");
  EXPECT_EQ(print(Labels{}), "{}");
  EXPECT_EQ(print(Labels{{"__name__", "a.b"}, {"c.d", "e"}}), R"({"a.b", "c.d"="e"})");
}

}  // namespace
}  // namespace qw::promql
