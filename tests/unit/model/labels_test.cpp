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

TEST(PackedLabels, ReadAsTheLabelsThatTheyWereMadeOf) {
  for (const Labels& labels :
       {Labels{}, Labels{{"a", ""}}, Labels{{"member", "10.0.0.1:2379"}, {"system", "etcd"}},
        Labels{{"topic", std::string(1000, 'x')}, {"b", std::string("\0y", 2)}, {"a", "z"}}}) {
    const PackedLabels packed(labels);
    EXPECT_EQ(Labels(packed), labels);
    EXPECT_EQ(packed.size(), labels.size());
    EXPECT_EQ(packed.empty(), labels.empty());
    for (const auto& [name, value] : labels) {
      EXPECT_EQ(packed.get(name), value);
      EXPECT_TRUE(packed.has(name, value));
      EXPECT_FALSE(packed.has(name, "other"));
    }
    EXPECT_EQ(packed.get("none"), "");
    EXPECT_FALSE(packed.has("none", ""));
  }
}

}  // namespace
}  // namespace qw
