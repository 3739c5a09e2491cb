#include "daemon/model/labels.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

TEST(Labels, AreInOrderOfNameWhateverTheOrderOfAdding) {
  const Labels one{{"target", "t"}, {"member", "m"}, {"system", "s"}};
  const Labels other{{"system", "s"}, {"target", "t"}, {"member", "m"}};
  EXPECT_EQ(one, other);
  EXPECT_EQ(one.begin()->first, "member");
}

TEST(Labels, SetReplacesTheValueOfANameThatIsThere) {
  Labels labels{{"a", "1"}, {"b", "2"}};
  labels.set("b", "3");
  EXPECT_EQ(labels.size(), 2U);
  EXPECT_EQ(labels.get("b"), "3");
}

TEST(Labels, ANameThatIsNotThereIsEmptyAsInPromQl) {
  const Labels labels{{"b", "2"}};
  EXPECT_EQ(labels.get("a"), "");
  EXPECT_EQ(labels.get("c"), "");
}

TEST(Labels, OfARepeatedNameTheLastValueHolds) {
  const Labels labels{{"a", "1"}, {"a", "2"}};
  EXPECT_EQ(labels.size(), 1U);
  EXPECT_EQ(labels.get("a"), "2");
}

}  // namespace
}  // namespace qw
