#include "daemon/status/html.hpp"

#include <gtest/gtest.h>

#include "daemon/base/text.hpp"
#include "daemon/status/row_list.hpp"
#include "tests/unit/status/markup.hpp"

namespace qw::status {
namespace {

TEST(Html, ClosesWhatItOpensAndEscapesTextsAndValues) {
  Html html;
  {
    const auto list = html.in("ul", {{"class", "a\"b"}});
    html.leaf("li", {{"title", "<'&>"}}, "<b>&</b>");
    html.text("\"x'");
    html.lone("br");
  }
  EXPECT_EQ(html.str(),
            "<ul class=\"a&quot;b\"><li "
            "title=\"&lt;&#39;&amp;&gt;\">&lt;b&gt;&amp;&lt;/b&gt;</li>&quot;x&#39;<br></ul>");
  EXPECT_TRUE(read_markup(html.str()).problems.empty());
}

TEST(Html, TextsAreValidWithoutControlCharactersAndCut) {
  EXPECT_EQ(escaped("a\x01\n\x1b[31mb"), "a   [31mb") << "an escape sequence is no longer one";
  EXPECT_EQ(escaped("\xff\xfe"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escaped("x\xE2\x80\xAEy"), "x y") << "text is not turned around";
  const auto cut = escaped(std::string(1 << 20, '<'));
  EXPECT_LE(cut.size(), Html::kMaxText * 4 + 3);
  EXPECT_TRUE(cut.ends_with("\xE2\x80\xA6"));
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "\xF0\x9F\x94\xA5";
  EXPECT_TRUE(is_valid_utf8(escaped(wide)));
  EXPECT_TRUE(is_valid_utf8(escaped("x" + wide)));
}

TEST(RowList, EndsAtItsLimitsAndSaysHowManyMoreThereAre) {
  Html html;
  RowList by_rows(html, {.rows = 2, .bytes = 1000});
  for (int i = 0; i < 5; ++i) by_rows.add([](Html& row) { row.leaf("li", "x"); });
  by_rows.finish(html, 5, " of them");
  EXPECT_EQ(html.take(), "<li>x</li><li>x</li><p class=\"more\">and 3 more of them</p>");
  RowList by_bytes(html, {.rows = 100, .bytes = 25});
  int written = 0;
  while (by_bytes.add([](Html& row) { row.leaf("li", "x"); })) ++written;
  EXPECT_EQ(written, 2);
  EXPECT_FALSE(by_bytes.add([](Html&) {})) << "a short one must not slip in after those that did not fit";
  by_bytes.finish(html, 2);
  EXPECT_EQ(html.take(), "<li>x</li><li>x</li>");
}

TEST(Markup, FindsWhatIsWrong) {
  for (const auto* bad : {"<p>", "<p></b></p>", "a & b", "<p class=x></p>",
                          "<p id=\"a\"></p><p id=\"a\"></p>", "<p\">", "x > y", "<"}) {
    EXPECT_FALSE(read_markup(bad).problems.empty()) << bad;
  }
}

}  // namespace
}  // namespace qw::status
