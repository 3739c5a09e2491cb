#include "config/document.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace qw::config {
namespace {

std::string parse(const std::string& text) {
  Document document;
  Problems problems("t");
  const bool parsed = parse_document(text, document, problems);
  const auto found = problems.take();
  EXPECT_EQ(parsed, found.empty());
  return found.empty() ? "" : found[0].print();
}

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(Document, KnowsKindsPlacesAndQuotes) {
  Document document;
  Problems problems("t");
  ASSERT_TRUE(parse_document("a: 1\nb: ['x', y, ~]\nc: {d: e}\nf:\n", document, problems));
  const Node& root = *document.root();
  ASSERT_EQ(root.kind, Node::Kind::mapping);
  ASSERT_EQ(root.entries.size(), 4U);
  EXPECT_EQ(root.entries[1].key, "b");
  EXPECT_EQ(root.entries[1].place, (Place{2, 1}));
  const Node& list = *root.entries[1].value;
  EXPECT_EQ(list.place, (Place{2, 4}));
  EXPECT_TRUE(list.items[0]->quoted);
  EXPECT_FALSE(list.items[1]->quoted);
  EXPECT_EQ(list.items[1]->place, (Place{2, 10}));
  EXPECT_EQ(list.items[2]->kind, Node::Kind::nothing);
  EXPECT_EQ(root.entries[3].value->kind, Node::Kind::nothing);
  EXPECT_EQ(root.entries[3].value->place, (Place{4, 1}));
  EXPECT_EQ(root.height, 3U);
  EXPECT_EQ(root.size, 9U);
}

TEST(Document, KeepsBothOfTwoEqualKeys) {
  Document document;
  Problems problems("t");
  ASSERT_TRUE(parse_document("a: 1\na: 2\n", document, problems));
  EXPECT_EQ(document.root()->entries.size(), 2U);
}

TEST(Document, SaysNothingWhenTheTextSaysNothing) {
  for (const auto* text : {"", "\n", "# comment", "---\n", "~", "...\n", "---\n...\n"}) {
    Document document;
    Problems problems("t");
    EXPECT_TRUE(parse_document(text, document, problems)) << text;
    EXPECT_EQ(document.root(), nullptr) << text;
  }
}

TEST(Document, HasOneDocumentOnly) {
  for (const auto* text : {"a\n---\nb\n", "---\na\n---\n", "a\n...\n---\nb", ",", "a: 1\n--- |\n x\n"}) {
    EXPECT_NE(parse(text), "") << text;
  }
}

TEST(Document, CapsSizeNodesAndDepthBeforeTheyCost) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(parse(std::string(kMaxText + 1, ' ')), "t: larger than 4 MiB");
  EXPECT_EQ(parse(repeat("[", 32) + repeat("]", 32)), "");
  EXPECT_EQ(parse(repeat("[", 33) + repeat("]", 33)), "t:1:33: nested deeper than 32 levels");
  EXPECT_NE(parse(repeat("[", 100'000)), "");
  EXPECT_EQ(parse(repeat("[", 1U << 20U)), "t:1:400001: more than 400000 brackets and commas");
  EXPECT_EQ(parse(repeat("? ", 100'000)), "t:1:3: expected a key, which must be a plain word");
  EXPECT_EQ(parse(repeat("- ", 100'000)), "t:1:65: nested deeper than 32 levels");
  EXPECT_EQ(parse(repeat("- x\n", kMaxNodes - 1)), "");
  EXPECT_EQ(parse(repeat("- x\n", kMaxNodes)), "t:200000:3: more than 200000 values, with aliases expanded");
  // A little of everything is far below; what counts is that none of these takes minutes or gigabytes.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60));
}

TEST(Document, CountsWhatAliasesStandFor) {
  // 10 + 10 * 11 + ... : the fifth level is above the cap though the text has 60 values.
  EXPECT_NE(parse("- &a [x,x,x,x,x,x,x,x,x,x]\n- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                  "- &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n- &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                  "- &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n- &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n")
                .find("more than 200000 values"),
            std::string::npos);
  std::string deep = "- &a0 [x]\n";
  for (int i = 1; i < 40; ++i) deep += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_NE(parse(deep).find("nested deeper than 32 levels"), std::string::npos);
}

TEST(Document, AnAnchorMayBeUsedAgain) {
  Document document;
  Problems problems("t");
  ASSERT_TRUE(parse_document("[&a x, *a, &a y, *a]", document, problems));
  const auto& items = document.root()->items;
  EXPECT_EQ(items[1]->text, "x");
  EXPECT_EQ(items[3]->text, "y");
}

}  // namespace
}  // namespace qw::config
