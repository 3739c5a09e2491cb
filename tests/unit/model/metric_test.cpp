#include "daemon/model/metric.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace qw {
namespace {

constexpr MetricFamily kFamily{"quorumwatch_leaders", MetricType::gauge, "Leaders.", ""};
constexpr MetricFamily kHistogram{"quorumwatch_rtt_seconds", MetricType::histogram, "Round trips.", "member"};

TEST(LinePrefix, EscapesWhatTheTextFormatMustEscape) {
  constexpr MetricFamily kPlain{"m", MetricType::gauge, "", ""};
  const auto print = [&](const Labels& labels) {
    return line_prefix(Series{.family = &kPlain, .suffix = "", .labels = PackedLabels(labels)});
  };
  EXPECT_EQ(print({{"a", "x\"y\\z\nw"}, {"b", ""}}), R"(m{a="x\"y\\z\nw",b=""} )");
  EXPECT_EQ(print({}), "m ");
}

TEST(Samples, CarrySystemAndTargetAndTheirOwnLabels) {
  Samples samples("etcd", "control-plane");
  samples.add(kFamily, 1, {{"member", "a"}});
  const auto taken = samples.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(line_prefix(*taken[0].series),
            R"(quorumwatch_leaders{member="a",system="etcd",target="control-plane"} )");
  EXPECT_EQ(taken[0].value, 1);
}

TEST(Series, AreTheSameByNameSuffixAndLabels) {
  constexpr MetricFamily kTwin{"quorumwatch_leaders", MetricType::gauge, "Another object.", ""};
  const auto make = [](const MetricFamily& family, std::string_view suffix, const Labels& labels) {
    return Series{.family = &family, .suffix = suffix, .labels = PackedLabels(labels)};
  };
  const auto one = make(kFamily, "", {{"a", "bc"}, {"d", "e"}});
  const auto twin = make(kTwin, "", {{"a", "bc"}, {"d", "e"}});
  EXPECT_TRUE(one.is_same(twin));
  EXPECT_EQ(one.hash(), twin.hash());
  EXPECT_FALSE(one.is_same(make(kFamily, "_sum", {{"a", "bc"}, {"d", "e"}})));
  EXPECT_FALSE(one.is_same(make(kHistogram, "", {{"a", "bc"}, {"d", "e"}})));
  EXPECT_FALSE(one.is_same(make(kFamily, "", {{"a", "b"}, {"cd", "e"}})));
  EXPECT_FALSE(one.is_same(make(kFamily, "", {{"a", "bc"}})));
}

TEST(Samples, TheSeriesOfALaterRoundIsTheSameObject) {
  Samples samples("etcd", "t");
  samples.add(kFamily, 1, {{"member", "a"}});
  const auto first = samples.take();
  samples.add(kFamily, 2, {{"member", "a"}});
  samples.add(kFamily, 2, {{"member", "b"}});
  const auto second = samples.take();
  EXPECT_EQ(first[0].series, second[0].series);
  EXPECT_NE(second[0].series, second[1].series);
}

TEST(Samples, SuffixesOfAHistogramAreSeriesOfTheirOwn) {
  Samples samples("etcd", "t");
  samples.add(kHistogram, 3, {{"le", "0.1"}}, "_bucket");
  samples.add(kHistogram, 3, {}, "_count");
  const auto taken = samples.take();
  EXPECT_EQ(line_prefix(*taken[0].series),
            R"(quorumwatch_rtt_seconds_bucket{le="0.1",system="etcd",target="t"} )");
  EXPECT_EQ(line_prefix(*taken[1].series), R"(quorumwatch_rtt_seconds_count{system="etcd",target="t"} )");
}

TEST(Samples, LabelsThatWouldJoinToTheSameTextAreStillTwoSeries) {
  Samples samples("etcd", "t");
  samples.add(kFamily, 1, {{"a", "b"}, {"c", "d"}});
  samples.add(kFamily, 2, {{"a", std::string_view("b\0c\0d", 5)}});
  const auto taken = samples.take();
  EXPECT_NE(taken[0].series, taken[1].series);
}

TEST(Samples, ForgetSeriesThatNoRoundUses) {
  Samples samples("etcd", "t");
  samples.add(kFamily, 1, {{"member", "gone"}});
  std::weak_ptr<const Series> gone = samples.take()[0].series;
  for (int i = 0; i < 200; ++i) samples.take();
  EXPECT_TRUE(gone.expired());
}

TEST(Samples, AreOfTheRightSeriesWhateverTheOrderOfARound) {
  Samples samples("etcd", "t");
  const std::vector<std::string_view> rounds{"abcd", "abcd", "xabcd", "bcd", "dcba",
                                             "",     "aabb", "abcd",  "ca"};
  std::map<char, SeriesPtr> known;
  for (const auto members : rounds) {
    for (const char& member : members)
      samples.add(kFamily, member, {{"member", {&member, 1}}, {"zone", "z"}});
    const auto taken = samples.take();
    ASSERT_EQ(taken.size(), members.size());
    for (std::size_t i = 0; i < taken.size(); ++i) {
      EXPECT_EQ(taken[i].value, members[i]);
      EXPECT_EQ(taken[i].series->labels.get("member"), members.substr(i, 1));
      EXPECT_EQ(known.try_emplace(members[i], taken[i].series).first->second, taken[i].series);
    }
  }
  samples.add(kFamily, 1, {{"zone", "z"}, {"member", "a"}});
  EXPECT_EQ(samples.take()[0].series, known['a']) << "labels have no order";
}

TEST(Samples, AnEmptyLabelIsNotOneThatIsMissing) {
  Samples samples("etcd", "t");
  samples.add(kFamily, 1, {{"a", ""}});
  samples.add(kFamily, 2, {{"b", ""}});
  samples.add(kFamily, 3);
  const auto taken = samples.take();
  EXPECT_NE(taken[0].series, taken[1].series);
  EXPECT_NE(taken[0].series, taken[2].series);
}

TEST(Samples, ForgetSoonWhereEachRoundBringsOthers) {
  Samples samples("etcd", "t");
  std::vector<std::weak_ptr<const Series>> all;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 10; ++i) samples.add(kFamily, 1, {{"member", std::to_string(round * 10 + i)}});
    samples.add(kFamily, 1, {{"member", "always"}});
    for (const auto& sample : samples.take()) all.push_back(sample.series);
  }
  const auto alive = std::ranges::count_if(all, [](const auto& one) { return !one.expired(); });
  EXPECT_LT(alive, 100 + 20 * 11) << "a hundred times the one that stays";
}

}  // namespace
}  // namespace qw
