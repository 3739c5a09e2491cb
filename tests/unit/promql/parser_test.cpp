#include "daemon/promql/parser.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "daemon/promql/functions.hpp"
#include "daemon/promql/printer.hpp"
#include "same_tree.hpp"

namespace qw::promql {
namespace {

ExprPtr parsed(std::string_view text) {
  auto expr = parse(text);
  EXPECT_TRUE(expr.has_value()) << text << "\n" << (expr ? "" : expr.error().print(text));
  return expr ? std::move(*expr) : nullptr;
}

template <class Node>
const Node& as(const ExprPtr& expr) {
  return std::get<Node>(expr->node);
}

/// What it prints shows how it was understood; reading that again must give the same.
void expect_printed(std::string_view text, std::string_view wanted) {
  const auto expr = parsed(text);
  if (!expr) return;
  EXPECT_EQ(print(*expr), wanted) << text;
  const auto again = parsed(wanted);
  EXPECT_TRUE(again && same_tree(*expr, *again)) << text;
}

/// The expression with brackets around every operation, to see what binds what.
std::string bracketed(const Expr& expr) {
  if (const auto* const binary = std::get_if<Binary>(&expr.node))
    return "[" + bracketed(*binary->left) + std::string(name(binary->op)) + bracketed(*binary->right) + "]";
  if (const auto* const unary = std::get_if<Unary>(&expr.node))
    return std::string("[") + (unary->minus ? "-" : "+") + bracketed(*unary->expr) + "]";
  return print(expr);
}

TEST(PromqlParser, OperatorsBindAsInPrometheus) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"a + b * c", "[a+[b*c]]"},
      {"a * b + c", "[[a*b]+c]"},
      {"a - b - c", "[[a-b]-c]"},
      {"a ^ b ^ c", "[a^[b^c]]"},
      {"a * b ^ c", "[a*[b^c]]"},
      {"a atan2 b * c", "[[aatan2b]*c]"},
      {"a % b / c", "[[a%b]/c]"},
      {"a == b + c", "[a==[b+c]]"},
      {"a < b > c", "[[a<b]>c]"},
      {"a and b or c unless d", "[[aandb]or[cunlessd]]"},
      {"a or b and c", "[aor[bandc]]"},
      {"a > b and c", "[[a>b]andc]"},
      {"-a ^ b", "[-[a^b]]"},
      {"-a * b", "[[-a]*b]"},
      {"a ^ -b * c", "[[a^[-b]]*c]"},
      {"a ^ -b ^ c", "[a^[-[b^c]]]"},
      {"- -a", "[-[-a]]"},
      {"-a offset 5m", "[-a offset 5m]"},
      {"a ^ b offset 5m", "[a^b offset 5m]"},
      {"a + b @ 5", "[a+b @ 5.000]"},
  };
  for (const auto& [text, wanted] : cases) {
    const auto expr = parsed(text);
    if (expr) EXPECT_EQ(bracketed(*expr), wanted) << text;
  }
}

TEST(PromqlParser, MinusOneSquaredIsMinusOne) {
  const auto expr = parsed("-1 ^ 2");
  ASSERT_TRUE(std::holds_alternative<Unary>(expr->node));
  EXPECT_EQ(as<Number>(parsed("-1")).value, -1);
  EXPECT_EQ(as<Number>(parsed("--1")).value, 1);
}

TEST(PromqlParser, ReadsNumbersAsGoDoes) {
  const std::vector<std::pair<std::string_view, double>> cases = {
      {"1", 1},          {"1.", 1},           {".5", 0.5},
      {"1e3", 1000},     {"1.5E-2", 0.015},   {"0x1F", 31},
      {"0X_1f", 31},     {"017", 15},         {"0_7", 7},
      {"08", 8},         {"1_000_000", 1e6},  {"+Inf", INFINITY},
      {"inf", INFINITY}, {"-iNf", -INFINITY}, {"1h", 3600},
      {"1h30m", 5400},   {"100ms", 0.1},      {"-5m", -300},
      {"1e-400", 0},     {"5e-324", 5e-324},  {"9223372036854775808", 9223372036854775808.0},
  };
  for (const auto& [text, wanted] : cases) {
    const auto expr = parsed(text);
    if (expr) EXPECT_EQ(as<Number>(expr).value, wanted) << text;
  }
  EXPECT_TRUE(std::isnan(as<Number>(parsed("NaN")).value));
  EXPECT_TRUE(std::isnan(as<Number>(parsed("nan")).value));
}

TEST(PromqlParser, ReadsStringsWithTheirEscapes) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {R"("a\n\t\\\"b")", "a\n\t\\\"b"},
      {R"('it\'s "so"')", "it's \"so\""},
      {R"(`raw \n " '`)", "raw \\n \" '"},
      {R"("\x41\101\u00e9\U0001F600")", "AA\xc3\xa9\xf0\x9f\x98\x80"},
      {R"("\xff")", "\xff"},
      {"`two\nlines`", "two\nlines"},
      {"\"caf\xc3\xa9\"", "caf\xc3\xa9"},
  };
  for (const auto& [text, wanted] : cases) {
    const auto expr = parsed(text);
    if (expr) EXPECT_EQ(as<String>(expr).value, wanted) << text;
  }
}

TEST(PromqlParser, ReadsSelectorsWithAllTheirParts) {
  const auto expr = parsed(R"(up{job="a",env!="b",x=~"c.*",y!~"d",} offset -5m @ 1.5)");
  const auto& selector = as<VectorSelector>(expr);
  ASSERT_EQ(selector.matchers.size(), 5U);
  EXPECT_EQ(selector.name, "up");
  EXPECT_EQ(selector.matchers[1].type, store::MatchType::not_equal);
  EXPECT_EQ(selector.matchers[2].type, store::MatchType::regex);
  EXPECT_EQ(selector.matchers[3].type, store::MatchType::not_regex);
  EXPECT_EQ(selector.matchers[4].label, "__name__");
  EXPECT_EQ(selector.offset, -300'000);
  ASSERT_TRUE(selector.at);
  EXPECT_EQ(selector.at->time, 1500);
  EXPECT_EQ(expr->type, ValueType::vector);
}

TEST(PromqlParser, ReadsRangesAndSubqueries) {
  const auto matrix = parsed("up[5m] @ end() offset 1h");
  EXPECT_EQ(as<MatrixSelector>(matrix).range, 300'000);
  EXPECT_EQ(as<MatrixSelector>(matrix).selector.offset, 3'600'000);
  EXPECT_EQ(as<MatrixSelector>(matrix).selector.at->kind, At::Kind::end);
  EXPECT_EQ(as<MatrixSelector>(parsed("up[300]")).range, 300'000);
  EXPECT_EQ(as<MatrixSelector>(parsed("up[0.5]")).range, 500);

  const auto subquery = parsed("rate(up[5m])[30m:10s] offset 5m");
  EXPECT_EQ(as<Subquery>(subquery).range, 1'800'000);
  EXPECT_EQ(as<Subquery>(subquery).step, 10'000);
  EXPECT_EQ(as<Subquery>(subquery).offset, 300'000);
  EXPECT_EQ(as<Subquery>(parsed("up[30m:]")).step, std::nullopt);
  EXPECT_EQ(as<Subquery>(parsed("up[ 30m : 5 ]")).step, 5'000);
}

TEST(PromqlParser, KeywordsAreKnownInAnyCaseAndAreNamesElsewhere) {
  expect_printed("SUM BY (job) (up)", "sum by (job) (up)");
  expect_printed("a AND ON (x) b", "a and on (x) b");
  expect_printed("foo OFFSET 5m", "foo offset 5m");
  expect_printed("a == BOOL b", "a == bool b");
  expect_printed("up @ START()", "up @ start()");
  expect_printed("sum{by=\"x\"}", "sum{by=\"x\"}");
  expect_printed("and and or", "and and or");
  expect_printed("start + end", "start + end");
  expect_printed("sum by (on, bool, atan2) (by)", "sum by (on, bool, atan2) (by)");
  expect_printed("count(offset)", "count(offset)");
  EXPECT_FALSE(parse("RATE(up[5m])")) << "functions have one spelling";
}

TEST(PromqlParser, ModifiersStandBeforeOrBehind) {
  expect_printed("sum(up) by (job)", "sum by (job) (up)");
  expect_printed("sum by (job,) (up)", "sum by (job) (up)");
  expect_printed("sum without () (up)", "sum without () (up)");
  expect_printed("sum by () (up)", "sum(up)");
  expect_printed("topk by (job) (3, up)", "topk by (job) (3, up)");
  expect_printed("count_values without (a) (\"v\", up)", "count_values without (a) (\"v\", up)");
  expect_printed("a * on (x) group_left (y, z) b", "a * on (x) group_left (y, z) b");
  expect_printed("a * ignoring (x) group_right b", "a * ignoring (x) group_right () b");
  expect_printed("a > bool on () b", "a > bool on () b");
  expect_printed("a + ignoring () b", "a + b");
  expect_printed("1 + on () a", "1 + a");
}

TEST(PromqlParser, CardinalityFollowsTheModifiers) {
  EXPECT_EQ(as<Binary>(parsed("a + b")).matching->cardinality, Cardinality::one_to_one);
  EXPECT_EQ(as<Binary>(parsed("a and b")).matching->cardinality, Cardinality::many_to_many);
  EXPECT_EQ(as<Binary>(parsed("a + on(x) group_left b")).matching->cardinality, Cardinality::many_to_one);
  EXPECT_EQ(as<Binary>(parsed("a + on(x) group_right b")).matching->cardinality, Cardinality::one_to_many);
  EXPECT_FALSE(as<Binary>(parsed("a + 1")).matching);
}

TEST(PromqlParser, QuotedNamesMayHoldAnything) {
  const auto expr = parsed(R"({"my.metric", "a.b"="c"})");
  EXPECT_EQ(as<VectorSelector>(expr).name, "");
  EXPECT_EQ(as<VectorSelector>(expr).matchers[0].label, "__name__");
  expect_printed(R"({"my.metric", "a.b"="c"})", R"({"a.b"="c",__name__="my.metric"})");
  expect_printed(R"(sum by ("a.b", c) (up))", R"(sum by ("a.b", c) (up))");
}

TEST(PromqlParser, CommentsAndBlanksMeanNothing) {
  expect_printed("# one\nsum( # two\n  up{a=\"#\"} # three\n) # four", "sum(up{a=\"#\"})");
  expect_printed("\tup\r\n[5m]", "up[5m]");
}

TEST(PromqlParser, PrintsAsPrometheusDoes) {
  expect_printed("up{b=\"2\",a=\"1\"}", "up{a=\"1\",b=\"2\"}");
  expect_printed("{__name__=\"up\"}", "{__name__=\"up\"}");
  expect_printed("1e6 + 5m + 0.1 - -Inf", "1000000 + 5m + 0.1 - -Inf");
  expect_printed("label_replace(up,'a',\"$1\",`b`,'(.*)')",
                 "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")");
  expect_printed("up[1h30m:5m] @ 10.0005 offset 8d", "up[1h30m:5m] @ 10.001 offset 8d");
  expect_printed("-(up)+(-1)", "-(up) + (-1)");
  expect_printed("Inf ^ 2 ^ Inf ^ 3 * Inf", "Inf ^ 2 ^ Inf ^ 3 * +Inf");
  expect_printed("time()", "time()");
  expect_printed("\"a\\u00adb\\x01\"", "\"a\\u00adb\\x01\"");
}

TEST(PromqlParser, SpansCoverTheText) {
  const auto expr = parsed(" sum(up) by (a) + -rate(x{}[5m] offset 1m)");
  EXPECT_EQ(expr->span.begin, 1U);
  EXPECT_EQ(expr->span.end, 42U);
  const auto& binary = as<Binary>(expr);
  EXPECT_EQ(binary.left->span.begin, 1U);
  EXPECT_EQ(binary.left->span.end, 15U);
  EXPECT_EQ(binary.right->span.begin, 18U);
  const auto& rate = as<Unary>(binary.right).expr;
  EXPECT_EQ(as<Call>(rate).arguments[0]->span.end, 41U);
}

TEST(PromqlParser, DepthHasACap) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "1" + std::string(depth, ')');
  };
  EXPECT_TRUE(parse(nested(kMaxDepth - 1)));
  const auto deep = parse(nested(kMaxDepth + 1));
  ASSERT_FALSE(deep);
  EXPECT_NE(deep.error().message.find("nested deeper"), std::string::npos);
  EXPECT_FALSE(parse(nested(100'000)));
  EXPECT_FALSE(parse(std::string(100'000, '-') + "1"));

  // A chain leans to the left: as deep for those who walk it, though nothing is nested.
  std::string chain = "a";
  for (std::size_t i = 1; i < kMaxDepth; ++i) chain += " or a";
  const auto long_chain = parsed(chain);
  ASSERT_TRUE(long_chain);
  EXPECT_EQ(long_chain->height, kMaxDepth);
  EXPECT_FALSE(parse(chain + " or a"));
  std::string powers = "2";
  for (int i = 0; i < 100'000; ++i) powers += "^2";
  EXPECT_FALSE(parse(powers));
}

TEST(PromqlParser, TextHasACap) {
  EXPECT_TRUE(parse("up" + std::string(kMaxText - 2, ' ')));
  EXPECT_FALSE(parse("up" + std::string(kMaxText - 1, ' ')));
}

TEST(PromqlParser, MatchersAloneAreASelectorWithoutModifiers) {
  const auto matchers = parse_matchers("up{job=~\"a|b\"}");
  ASSERT_TRUE(matchers);
  ASSERT_EQ(matchers->size(), 2U);
  EXPECT_EQ((*matchers)[0].type, store::MatchType::regex);
  EXPECT_EQ((*matchers)[1].value, "up");
  EXPECT_TRUE(parse_matchers("{a=\"b\"}"));
  EXPECT_FALSE(parse_matchers("up offset 5m"));
  EXPECT_FALSE(parse_matchers("up[5m]"));
  EXPECT_FALSE(parse_matchers("rate(up)"));
  EXPECT_FALSE(parse_matchers(""));
}

TEST(PromqlParser, KnowsWhatMayBeAName) {
  EXPECT_TRUE(is_metric_name("a:b_1"));
  EXPECT_TRUE(is_label_name("_a1"));
  for (const auto* const bad : {"", "1a", "a-b", "a.b", "\xc3\xa9"}) {
    EXPECT_FALSE(is_metric_name(bad)) << bad;
    EXPECT_FALSE(is_label_name(bad)) << bad;
  }
  EXPECT_FALSE(is_label_name("a:b"));
}

TEST(PromqlFunctions, AreFoundByName) {
  for (const auto& function : functions())
    EXPECT_EQ(find_function(function.name), &function) << function.name;
  EXPECT_EQ(find_function("rat"), nullptr);
  EXPECT_EQ(find_function(""), nullptr);
  EXPECT_FALSE(why_unsupported("histogram_avg").empty());
  EXPECT_FALSE(why_unsupported("info").empty());
  for (const auto& function : functions()) EXPECT_EQ(why_unsupported(function.name), "") << function.name;
}

}  // namespace
}  // namespace qw::promql
