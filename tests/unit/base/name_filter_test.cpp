#include "daemon/base/name_filter.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

TEST(NameFilter, WithoutPatternsEverythingIsWanted) {
  EXPECT_TRUE(NameFilter().wants("anything"));
  EXPECT_TRUE(NameFilter::make({}, {})->wants(""));
}

TEST(NameFilter, APatternMatchesTheWholeName) {
  const auto filter = NameFilter::make({"orders-.*"}, {});
  EXPECT_TRUE(filter->wants("orders-eu"));
  EXPECT_FALSE(filter->wants("old-orders-eu"));
}

TEST(NameFilter, WhatIsExcludedIsNotWantedEvenIfIncluded) {
  const auto filter = NameFilter::make({"orders-.*", "stock"}, {".*-test"});
  EXPECT_TRUE(filter->wants("stock"));
  EXPECT_FALSE(filter->wants("orders-test"));
  EXPECT_TRUE(NameFilter::make({}, {"a"})->wants("b"));
}

TEST(NameFilter, AWrongPatternIsNamed) {
  const auto filter = NameFilter::make({"good"}, {"bad("});
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().kind(), ErrorKind::config);
  EXPECT_TRUE(filter.error().message().starts_with("'bad(': ")) << filter.error().message();
}

}  // namespace
}  // namespace qw
