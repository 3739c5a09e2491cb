#include "daemon/base/text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace qw {
namespace {

TEST(ParseUint64, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_uint64("0"), 0U);
  EXPECT_EQ(parse_uint64("18446744073709551615"), 18446744073709551615ULL);
  for (const auto* bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1.0", "0x1", "nine"}) {
    EXPECT_FALSE(parse_uint64(bad)) << bad;
  }
}

TEST(ParseHexUint64, ReadsBothCasesWithoutPrefix) {
  EXPECT_EQ(parse_hex_uint64("ffffffffffffffff"), ~0ULL);
  EXPECT_EQ(parse_hex_uint64("CDf818194e3a8c32"), 0xcdf818194e3a8c32ULL);
  for (const auto* bad : {"", "10000000000000000", "0x1", "-1", "g"})
    EXPECT_FALSE(parse_hex_uint64(bad)) << bad;
}

TEST(ParseInt64, ReadsASignOnlyInFront) {
  EXPECT_EQ(parse_int64("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(parse_int64("9223372036854775807"), INT64_MAX);
  for (const auto* bad : {"", "-", "9223372036854775808", "+1", "1-"}) EXPECT_FALSE(parse_int64(bad)) << bad;
}

TEST(Trim, TakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Split, KeepsEmptyParts) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(split(",a,,", ','), (Parts{"", "a", "", ""}));
  EXPECT_EQ(split("", ','), (Parts{""}));
}

TEST(Nearest, FindsWhatWasLikelyMeant) {
  static constexpr std::array<std::string_view, 5> kWords{"interval", "timeout", "name", "members",
                                                          "sentinels"};
  struct Case {
    std::string_view word;
    std::optional<std::string_view> meant;
  };
  const Case cases[] = {
      {"timout", "timeout"},
      {"tiemout", "timeout"},
      {"Interval", "interval"},
      {"nmae", "name"},
      {"member", "members"},
      {"sentinel", "sentinels"},
      {"", std::nullopt},
      {"x", std::nullopt},
      {"rules", std::nullopt},
      {"na", std::nullopt},
      {std::string_view("timeouttimeouttimeouttimeouttimeouttimeouttimeouttimeouttimeouttimeout"),
       std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(nearest(c.word, kWords), c.meant) << c.word;
}

TEST(Nearest, CountsASwapAsOneMistake) {
  static constexpr std::array<std::string_view, 1> kWords{"abc"};
  EXPECT_EQ(nearest("acb", kWords), "abc");
  EXPECT_EQ(nearest("cba", kWords), std::nullopt);
}

TEST(Nearest, PrefersTheNearerThenTheEarlierCandidate) {
  static constexpr std::array<std::string_view, 3> kWords{"abcdeX", "abcdef", "abcdeY"};
  EXPECT_EQ(nearest("abcdef", kWords), "abcdef");
  EXPECT_EQ(nearest("abcdeZ", kWords), "abcdeX");
}

TEST(Sanitize, MakesTextHarmless) {
  struct Case {
    std::string_view text, clean;
  };
  const Case cases[] = {
      {"plain", "plain"},
      {"a\nb\x1b[31m\x7f", "a b [31m "},
      {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
      {"\xFF\xC3", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xC2\x85|\xE2\x80\xA8|\xE2\x80\xAE", " | | "},  // NEL, line separator, right-to-left override
      {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},         // overlong NUL
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                  // a surrogate
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // above U+10FFFF
  };
  for (const auto& c : cases) EXPECT_EQ(sanitize(c.text), c.clean) << c.text;
}

TEST(Sanitize, CutsOnACharacterBoundary) {
  EXPECT_EQ(sanitize("abc", 2), "ab");
  EXPECT_EQ(sanitize("a\xC3\xBC", 2), "a");
  EXPECT_EQ(sanitize("a\xC3\xBC", 3), "a\xC3\xBC");
  EXPECT_EQ(sanitize("\xFF\xFF", 4), "\xEF\xBF\xBD");
  EXPECT_EQ(sanitize(std::string(1 << 20, 'x')).size(), 200U);
}

TEST(IsValidUtf8, AgreesWithSanitize) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"));
  for (const auto* bad :
       {"\xC3", "\xFF", "\xE2\x82", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

TEST(StableHash, IsFnv1a) {
  // Test vectors of the FNV authors (64 bit, 1a).
  EXPECT_EQ(stable_hash(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(stable_hash("foobar"), 0x85944171f73967e8ULL);
}

}  // namespace
}  // namespace qw
