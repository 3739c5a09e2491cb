#include "daemon/model/member_clocks.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

TEST(MemberClocks, SayWhatIsWrongInWords) {
  ClocksRow all;
  all.limit_seconds = 0.1;
  ClockRow row;
  EXPECT_EQ(describe(row, all), "nobody could read it");
  row.offset_seconds = -0.25;
  row.bound_seconds = 0.0003;
  row.proof = ClockProof::proved_skewed;
  EXPECT_EQ(describe(row, all),
            "behind by 250 ms, give or take 300 us, which is proved to be beyond the limit of 100 ms");
  row.outlier = 1;
  EXPECT_EQ(
      describe(row, all),
      "behind by 250 ms, give or take 300 us, which is proved to be beyond the limit of 100 ms; it is out "
      "of step with every majority of the others");
  row.outlier = 0;
  row.offset_seconds = 0.05;
  row.bound_seconds = 0.5;
  row.proof = ClockProof::cannot_prove;
  all.own_outlier = 1;
  EXPECT_EQ(
      describe(row, all),
      "ahead by 50 ms, give or take 500 ms, which is not enough to prove that it is within the limit of "
      "100 ms; but it is our own clock that is out of step with every majority");
  row.proof = ClockProof::proved_in_sync;
  EXPECT_EQ(describe(row, all), "") << "whatever is wrong with ours, it is not this one's fault";
  row.slewing = 1;
  row.synchronised = 0;
  EXPECT_EQ(describe(row, all),
            "it runs too fast or too slow: it is being slewed; it says itself that it is not synchronised");
}

TEST(MemberClocks, AreReadFromTheSamplesOfARoundTheWorstFirst) {
  static constexpr MetricFamily kOffset{"quorumwatch_clock_offset_seconds", MetricType::gauge, "x",
                                        "member source"};
  static constexpr MetricFamily kState{"quorumwatch_clock_state", MetricType::gauge, "x", "member state"};
  static constexpr MetricFamily kLimit{"quorumwatch_clock_limit_seconds", MetricType::gauge, "x",
                                       "profile severity"};
  static constexpr MetricFamily kSteps{"quorumwatch_clock_steps_total", MetricType::counter, "x",
                                       "member direction"};
  static constexpr MetricFamily kOwnSteps{"quorumwatch_clock_own_steps_total", MetricType::counter, "x",
                                          "direction"};
  static constexpr MetricFamily kSync{"quorumwatch_clock_synchronised", MetricType::gauge, "x",
                                      "member source"};
  Samples samples("clocks", "ntp");
  samples.add(kOwnSteps, 1, {{"direction", "forward"}});
  EXPECT_FALSE(clocks_of(samples.take())) << "our own clock is no member's";

  samples.add(kLimit, 0.05, {{"profile", "default"}, {"severity", "warning"}});
  samples.add(kOwnSteps, 1, {{"direction", "forward"}});
  samples.add(kOwnSteps, 2, {{"direction", "backward"}});
  for (const std::string_view member : {"a", "b"}) {
    const Samples::Label of{"member", member};
    samples.add(kOffset, 0.2, {of, {"source", "all"}});
    samples.add(kOffset, 0.7, {of, {"source", "ntp"}});
    samples.add(kState, member == "a" ? 1 : 0, {of, {"state", "proved_in_sync"}});
    samples.add(kState, member == "b" ? 1 : 0, {of, {"state", "proved_skewed"}});
  }
  samples.add(kSteps, 1, {{"member", "b"}, {"direction", "forward"}});
  samples.add(kSteps, 3, {{"member", "b"}, {"direction", "backward"}});
  samples.add(kSync, 0, {{"member", "b"}, {"source", "ntp"}});
  samples.add(kSync, 1, {{"member", "b"}, {"source", "chrony"}});
  auto clocks = clocks_of(samples.take());
  ASSERT_TRUE(clocks);
  ASSERT_EQ(clocks->members.size(), 2U);
  const auto& worst = clocks->members[0];
  EXPECT_EQ(worst.member, "b");
  EXPECT_EQ(worst.proof, ClockProof::proved_skewed);
  EXPECT_EQ(worst.offset_seconds, 0.2) << "what all sources together allow";
  EXPECT_EQ(worst.steps, 4);
  EXPECT_EQ(worst.synchronised, 1) << "one source is enough";
  EXPECT_EQ(clocks->members[1].proof, ClockProof::proved_in_sync);
  EXPECT_EQ(clocks->own_steps, 3);
  EXPECT_EQ(clocks->limit_seconds, 0.05) << "there is no critical one";

  samples.add(kState, 1, {{"member", "a"}, {"state", "cannot_prove"}});
  samples.add(kLimit, 0.05, {{"profile", "x"}, {"severity", "warning"}});
  samples.add(kLimit, 0.1, {{"profile", "x"}, {"severity", "critical"}});
  clocks = clocks_of(samples.take());
  ASSERT_TRUE(clocks);
  EXPECT_EQ(clocks->limit_seconds, 0.1);
}

}  // namespace
}  // namespace qw
