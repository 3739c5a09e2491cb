#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

struct Case {
  std::string_view text;
  std::string_view wanted;  ///< as printed, position and all
};

void expect_errors(const std::vector<Case>& cases) {
  for (const auto& [text, wanted] : cases) {
    const auto expr = parse(text);
    ASSERT_FALSE(expr) << text;
    EXPECT_EQ(expr.error().print(text), wanted) << text;
  }
}

// The words are Prometheus' own, so that a message found there explains the one found here.
TEST(PromqlErrors, WordsThatFitNowhere) {
  expect_errors({
      {"", "1:1: parse error: no expression found in input"},
      {" # only a comment", "1:1: parse error: no expression found in input"},
      {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
      {"foo +", "1:6: parse error: unexpected end of input"},
      {"* foo", "1:1: parse error: unexpected <op:*>"},
      {"foo\n  + on bar", "2:8: parse error: unexpected identifier \"bar\" in grouping opts, expected \"(\""},
      {"foo)", "1:4: parse error: unexpected right parenthesis ')'"},
      {"(foo", "1:5: parse error: unclosed left parenthesis"},
      {"foo]", "1:4: parse error: unexpected right bracket ']'"},
      {"foo = bar", "1:5: parse error: unexpected \"=\""},
      {"foo =~ bar", "1:5: parse error: unexpected character after '=': '~'"},
      {"foo ! bar", "1:5: parse error: unexpected character after '!': ' '"},
      {"foo $ bar", "1:5: parse error: unexpected character: '$'"},
      {"\xc3\xa9", "1:1: parse error: unexpected character: '\xc3\xa9'"},
      {"sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"},
      {"abs(foo bar)", "1:9: parse error: unexpected identifier \"bar\""},
      {"abs(foo,)", "1:8: parse error: trailing commas not allowed in function call args"},
      {"sum by job (foo)",
       "1:8: parse error: unexpected identifier \"job\" in grouping opts, expected \"(\""},
      {"sum by (==) (foo)", "1:9: parse error: unexpected <op:==> in grouping opts, expected label"},
      {"sum by (a b) (foo)",
       "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
      {"sum by (\"\") (foo)", "1:9: parse error: invalid label name for grouping: \"\""},
  });
}

TEST(PromqlErrors, NumbersAndStrings) {
  expect_errors({
      {"1.5.5", "1:1: parse error: bad number or duration syntax: \"1.5.\""},
      {"1e", "1:1: parse error: bad number or duration syntax: \"1e\""},
      {"12x", "1:1: parse error: bad number or duration syntax: \"12\""},
      {"5y1hs", "1:1: parse error: not a valid duration string: \"5y1hs\""},
      {"1.5h", "1:1: parse error: not a valid duration string: \"1.5h\""},
      {"300y", "1:1: parse error: duration out of range"},
      {"1_000.5",
       "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1_000.5\": invalid syntax"},
      {"1e1000",
       "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e1000\": value out of range"},
      {"0x", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"},
      {"\"a", "1:1: parse error: unterminated quoted string"},
      {"'a\n'", "1:1: parse error: unterminated quoted string"},
      {"`a", "1:1: parse error: unterminated raw string"},
      {"\"\\y\"", "1:1: parse error: unknown escape sequence U+0079 'y'"},
      {"'\\\"'", "1:1: parse error: unknown escape sequence U+0022 '\"'"},
      {"\"\\x4\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"},
      {"\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
      {"\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
      {"\"\\U00110000\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
      {"\"\\", "1:1: parse error: escape sequence not terminated"},
      {"\"\xff\"", "1:1: parse error: invalid UTF-8 rune"},
  });
}

TEST(PromqlErrors, Selectors) {
  expect_errors({
      {"foo{", "1:5: parse error: unexpected end of input inside braces"},
      {"foo{a}", "1:6: parse error: unexpected \"}\" in label matching, expected label matching operator"},
      {"foo{a=b}", "1:7: parse error: unexpected identifier \"b\" in label matching, expected string"},
      {"foo{a=\"b\" c=\"d\"}",
       "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      {"foo{1=\"b\"}", "1:5: parse error: unexpected character inside braces: '1'"},
      {"foo{,}", "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
      {"foo{a!\"b\"}", "1:6: parse error: unexpected character after '!' inside braces: '\"'"},
      {"foo{{", "1:5: parse error: unexpected left brace '{'"},
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"sum({a=~\".*\",b!=\"x\"})",
       "1:5: parse error: vector selector must contain at least one non-empty matcher"},
      {"{a!~\"x\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"foo{__name__=\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
      {"foo{\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
  });
  const auto regex = parse("foo{a=~\"(\"}");
  ASSERT_FALSE(regex);
  EXPECT_TRUE(regex.error().message.starts_with("error parsing regexp: ")) << regex.error().message;
  EXPECT_EQ(regex.error().span.begin, 4U);
}

TEST(PromqlErrors, RangesAndOffsets) {
  expect_errors({
      {"foo[", "1:5: parse error: unexpected end of input in duration expression"},
      {"foo[]",
       "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number or duration"},
      {"foo[5m", "1:7: parse error: unclosed left bracket"},
      {"foo[a]", "1:5: parse error: unexpected character in duration expression: 'a'"},
      {"foo[5m a]", "1:8: parse error: unexpected character: 'a', expected ':'"},
      {"foo[0]", "1:5: parse error: duration must be greater than 0"},
      {"foo[-5m]", "1:5: parse error: duration must be greater than 0"},
      {"foo[0.0001]", "1:5: parse error: duration must be greater than 0"},
      {"foo[1e12]", "1:5: parse error: duration out of range"},
      {"foo[Inf]", "1:5: parse error: unexpected character in duration expression: 'I'"},
      {"foo[5m:0s]", "1:8: parse error: duration must be greater than 0"},
      {"foo[5m::]", "1:8: parse error: unexpected colon ':'"},
      {"foo[5m 1m]",
       "1:8: parse error: unexpected duration \"1m\" in subquery or range, expected \":\" or \"]\""},
      {"(foo)[5m]", "1:6: parse error: ranges only allowed for vector selectors"},
      {"1[5m]", "1:2: parse error: ranges only allowed for vector selectors"},
      {"foo offset 1m [5m]", "1:15: parse error: no offset modifiers allowed before range"},
      {"foo @ 5 [5m]", "1:9: parse error: no @ modifiers allowed before range"},
      {"foo offset", "1:11: parse error: unexpected end of input in offset, expected number or duration"},
      {"foo offset bar",
       "1:12: parse error: unexpected identifier \"bar\" in offset, expected number or duration"},
      {"foo offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"},
      {"(foo) offset 1m",
       "1:1: parse error: offset modifier must be preceded by an instant vector selector or "
       "range vector selector or a subquery"},
      {"foo @ bar", "1:7: parse error: unexpected identifier \"bar\" in @, expected timestamp"},
      {"foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp"},
      {"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
      {"foo @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
      {"1 @ 2",
       "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector "
       "selector or a subquery"},
  });
}

TEST(PromqlErrors, Types) {
  expect_errors({
      {"rate(foo)",
       "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"},
      {"rate(5)", "1:6: parse error: expected type range vector in call to function \"rate\", got scalar"},
      {"abs(\"a\")",
       "1:5: parse error: expected type instant vector in call to function \"abs\", got string"},
      {"sum(foo[5m])",
       "1:5: parse error: expected type instant vector in aggregation expression, got range vector"},
      {"topk(foo, foo)",
       "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
      {"count_values(5, foo)",
       "1:14: parse error: expected type string in aggregation parameter, got scalar"},
      {"foo[5m] + 1",
       "1:1: parse error: binary expression must contain only scalar and instant vector types"},
      {"1 + \"a\"", "1:5: parse error: binary expression must contain only scalar and instant vector types"},
      {"-\"a\"",
       "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, "
       "got \"string\""},
      {"1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"},
      {"foo[5m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"1 + bool 1", "1:3: parse error: bool modifier can only be used on comparison operators"},
      {"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
      {"foo or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
      {"foo + on(a) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
      {"foo and on(a) group_left(b) bar", "1:1: parse error: no grouping allowed for \"and\" operation"},
      {"foo + on(a) group_left(a) bar",
       "1:5: parse error: label \"a\" must not occur in ON and GROUP clause at once"},
  });
}

TEST(PromqlErrors, Calls) {
  expect_errors({
      {"rat(foo)", "1:1: parse error: unknown function with name \"rat\"; did you mean 'rate'?"},
      {"histogram_quantil(1, foo)",
       "1:1: parse error: unknown function with name \"histogram_quantil\"; did you mean "
       "'histogram_quantile'?"},
      {"summ(foo)", "1:1: parse error: unknown function with name \"summ\"; did you mean 'sum'?"},
      {"lag(foo[24h]) > 900", "1:1: parse error: unknown function with name \"lag\""},
      {"rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"},
      {"clamp(foo, 1)", "1:1: parse error: expected 3 argument(s) in call to \"clamp\", got 2"},
      {"round(foo, 1, 2)", "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
      {"label_join(foo, \"a\")",
       "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"},
      {"label_join(foo, \"a\", \"b\", \"c\", 1)",
       "1:32: parse error: expected type string in call to function \"label_join\", got scalar"},
      {"time(1)", "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1"},
      {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
      {"sum(foo, bar)",
       "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"},
      {"topk(foo)",
       "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"},
  });
}

TEST(PromqlErrors, WhatIsNotSupportedSaysSo) {
  expect_errors({
      {"histogram_count(foo)", "1:1: parse error: histogram_count(): native histograms are not supported"},
      {"info(foo)", "1:1: parse error: info(): experimental functions are not supported"},
      {"limitk(3, foo)", "1:1: parse error: limitk(): experimental aggregations are not supported"},
      {"limitk by (a) (3, foo)", "1:1: parse error: limitk(): experimental aggregations are not supported"},
      {"limit_ratio without (a) (0.5, foo)",
       "1:1: parse error: limit_ratio(): experimental aggregations are not supported"},
      {"foo + fill(0) bar", "1:7: parse error: fill(): the experimental fill modifiers are not supported"},
      {"foo[5m] smoothed", "1:1: parse error: smoothed modifier is experimental and not supported"},
      {"foo[5m + 1m]", "1:5: parse error: experimental duration expressions are not supported"},
      {"foo[(5m)]", "1:5: parse error: experimental duration expressions are not supported"},
      {"foo[step()]", "1:5: parse error: experimental duration expressions are not supported"},
      {"foo offset (5m)", "1:12: parse error: experimental duration expressions are not supported"},
  });
}

TEST(PromqlErrors, AMillionOfOneCharacterEndSoon) {
  for (const char c : {'(', '[', '{', '-', '"', '\'', '`', '\\', '#', '0', 'a'})
    EXPECT_EQ(parse(std::string(1'000'000, c)).has_value(), c == 'a' || c == '0') << c;
}

}  // namespace
}  // namespace qw::promql
