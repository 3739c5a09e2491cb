#include "daemon/base/pattern.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

Pattern compiled(std::string_view text) {
  auto pattern = Pattern::compile(text);
  EXPECT_TRUE(pattern) << text;
  return *pattern;
}

TEST(Pattern, MatchesTheWholeOfAValue) {
  const auto pattern = compiled("a|bc");
  EXPECT_TRUE(pattern.matches("a"));
  EXPECT_TRUE(pattern.matches("bc"));
  EXPECT_FALSE(pattern.matches("abc"));
  EXPECT_TRUE(pattern.found_in("abc"));
  EXPECT_TRUE(compiled("a.b").matches("a\nb"));
}

TEST(Pattern, SaysWhatIsWrongWithIt) {
  const auto bad = Pattern::compile("a(");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind(), ErrorKind::config);
  EXPECT_EQ(bad.error().message(), "missing ): a(");
  EXPECT_FALSE(Pattern::compile("((a{100}){100}){100}")) << "more memory than one expression may take";
}

TEST(Pattern, ExpandsGroupsAsGoDoes) {
  const auto pattern = compiled("(?P<host>[^:]+):(\\d+)");
  EXPECT_EQ(pattern.expand("db1:5432", "$host"), "db1");
  EXPECT_EQ(pattern.expand("db1:5432", "${2}x$$1"), "5432x$1");
  EXPECT_EQ(pattern.expand("db1:5432", "$2x"), "") << "the name is 2x";
  EXPECT_EQ(pattern.expand("db1:5432", "$9-${host}-$0"), "-db1-db1:5432");
  EXPECT_EQ(pattern.expand("db1:5432", "a$ b${ c${1"), "a$ b${ c${1");
  EXPECT_EQ(pattern.expand("db1", "$1"), std::nullopt);
}

TEST(Pattern, ReplacesEveryMatchAsGoDoes) {
  EXPECT_EQ(compiled("a(x*)b").replace_all("-ab-axxb-", "${1}W"), "-W-xxW-");
  EXPECT_EQ(compiled("a*").replace_all("baaac", "x"), "xbxcx");
  EXPECT_EQ(compiled("").replace_all("h\u00e9", "-"), "-h-\u00e9-");
  EXPECT_EQ(compiled("b").replace_all("", "x"), "");
  EXPECT_EQ(compiled("").replace_all("", "x"), "x");
}

}  // namespace
}  // namespace qw
