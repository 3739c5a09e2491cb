#include "daemon/model/metric.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

constexpr MetricFamily kFamily{"quorumwatch_leaders", MetricType::gauge, "Leaders.", ""};
constexpr MetricFamily kHistogram{"quorumwatch_rtt_seconds", MetricType::histogram, "Round trips.", "member"};

TEST(LinePrefix, EscapesWhatTheTextFormatMustEscape) {
  EXPECT_EQ(make_line_prefix("m", Labels{{"a", "x\"y\\z\nw"}, {"b", ""}}), R"(m{a="x\"y\\z\nw",b=""} )");
  EXPECT_EQ(make_line_prefix("m", Labels{}), "m ");
}

TEST(Samples, CarrySystemAndTargetAndTheirOwnLabels) {
  Samples samples("etcd", "control-plane");
  samples.add(kFamily, 1, {{"member", "a"}});
  const auto taken = samples.take();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].series->line_prefix,
            R"(quorumwatch_leaders{member="a",system="etcd",target="control-plane"} )");
  EXPECT_EQ(taken[0].value, 1);
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
  EXPECT_EQ(taken[0].series->line_prefix,
            R"(quorumwatch_rtt_seconds_bucket{le="0.1",system="etcd",target="t"} )");
  EXPECT_EQ(taken[1].series->line_prefix, R"(quorumwatch_rtt_seconds_count{system="etcd",target="t"} )");
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

}  // namespace
}  // namespace qw
