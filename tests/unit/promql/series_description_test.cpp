#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

/// "1 2 _ stale": what the values are, in one line.
std::string values(std::string_view text) {
  const auto read = parse_series(text);
  if (!read) return read.error().print(text);
  std::string out;
  for (const auto& value : read->values) {
    if (!out.empty()) out += ' ';
    out += value.omitted                         ? "_"
           : store::is_stale_marker(value.value) ? "stale"
                                                 : std::to_string(value.value).substr(0, 4);
  }
  return out;
}

TEST(PromqlSeries, LabelsAreReadWithTheirName) {
  const auto named = parse_series("up{job=\"a\", \"b.c\"='d',} 1");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->labels, (Labels{{"__name__", "up"}, {"job", "a"}, {"b.c", "d"}}));
  EXPECT_EQ(parse_series("up")->labels, (Labels{{"__name__", "up"}}));
  EXPECT_EQ(parse_series("{\"a.b\"} 1")->labels, (Labels{{"__name__", "a.b"}}));
  EXPECT_EQ(parse_series("{} 1")->labels, Labels{});
  EXPECT_EQ(parse_series("sum{by=\"x\"} 1")->labels, (Labels{{"__name__", "sum"}, {"by", "x"}}));
}

TEST(PromqlSeries, ValuesAreExpanded) {
  EXPECT_EQ(values("m 1 2.5 -3"), "1.00 2.50 -3.0");
  EXPECT_EQ(values("m 1+2x3"), "1.00 3.00 5.00 7.00");
  EXPECT_EQ(values("m 1-2x2"), "1.00 -1.0 -3.0");
  EXPECT_EQ(values("m -1+-2x1"),
            "1:5: parse error: unexpected \"+-2x1\" in series values, expected number or \"stale\"");
  EXPECT_EQ(values("m 5x2"), "5.00 5.00 5.00");
  EXPECT_EQ(values("m 5x0"), "5.00");
  EXPECT_EQ(values("m _ _x2 1"), "_ _ _ 1.00");
  EXPECT_EQ(values("m _x0 1"), "1.00");
  EXPECT_EQ(values("m stale 1"), "stale 1.00");
  EXPECT_EQ(values("m stalex1"), "stale stale");
  EXPECT_EQ(values("m 1e3+1e-1x1"), "1000 1000");
  EXPECT_EQ(values("m\t1\t2"), "1.00 2.00");
  EXPECT_EQ(values("m 1 "), "1.00");
  EXPECT_EQ(values("m"), "");
}

TEST(PromqlSeries, InfinityAndNoNumber) {
  const auto read = parse_series("m Inf -Inf +inf NaN -NaN");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->values.size(), 5U);
  EXPECT_EQ(read->values[0].value, INFINITY);
  EXPECT_EQ(read->values[1].value, -INFINITY);
  EXPECT_EQ(read->values[2].value, INFINITY);
  EXPECT_TRUE(std::isnan(read->values[3].value));
  EXPECT_FALSE(store::is_stale_marker(read->values[3].value));
  EXPECT_TRUE(std::isnan(read->values[4].value));
}

TEST(PromqlSeries, MistakesAreNamedWithTheirPlace) {
  EXPECT_EQ(values("m 1 foo"),
            "1:5: parse error: unexpected \"foo\" in series values, expected number or \"stale\"");
  EXPECT_EQ(values("m 1x"), "1:5: parse error: invalid repetition in series values");
  EXPECT_EQ(values("m 1xy"), "1:5: parse error: invalid repetition in series values");
  EXPECT_EQ(values("m 1+1"), "1:6: parse error: unexpected end of the step in series values, expected \"x\"");
  EXPECT_EQ(values("m {{schema:1}}"), "1:3: parse error: native histograms are not supported");
  EXPECT_EQ(values("m{a=1} 1"), "1:5: parse error: unexpected character inside braces: '1'");
  EXPECT_EQ(values("m{a} 1"), "1:4: parse error: unexpected \"}\" in label set, expected \"=\"");
  EXPECT_EQ(values("m{a=\"b\" 1"), "1:9: parse error: unexpected character inside braces: '1'");
  EXPECT_EQ(values("1 2"), "1:1: parse error: unexpected number \"1\"");
  EXPECT_EQ(
      values("m {a=\"b\"} 1"),
      "1:3: parse error: unexpected \"{a=\\\"b\\\"} 1\" in series values, expected number or \"stale\"");
  EXPECT_EQ(values(""), "1:1: parse error: unexpected end of input");
}

TEST(PromqlSeries, RepetitionsHaveACap) {
  EXPECT_FALSE(parse_series("m 1x1000000000"));
  EXPECT_FALSE(parse_series("m _x18446744073709551615 1"));
  EXPECT_FALSE(parse_series("m 1x18446744073709551615"));
  EXPECT_EQ(parse_series("m 0+1x1000000")->values.size(), 1'000'001U);
}

}  // namespace
}  // namespace qw::promql
