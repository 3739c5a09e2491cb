#include "probes/signals/consumer_lag.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "consumer_story.hpp"
#include "daemon/model/consumers.hpp"

namespace qw::signals {
namespace {

constexpr auto kNothing = std::nullopt;
constexpr double kInterval = 5000;

/// A topic with a steady producer, and a group that reads `share` of what comes in.
class Steady : public testing::Test {
 protected:
  Steady() {
    story.log("t");
    story.topics["t"].retention = std::chrono::hours(24);
    auto& group = story.group("g");
    group.assigned["t"] = {0};
    group.commit("t", 0, 0);
  }
  /// One interval passes in small steps, then one look.
  void interval(double share = 1, double rate = 10) {
    for (double t = 0; t < kInterval; t += 100) {
      story.pass(100);
      written += rate / 10;
      const auto whole = static_cast<std::uint64_t>(written);
      story.write("t", 0, whole - story.log("t").end);
      committed = std::min(written, committed + rate / 10 * share);
      if (share > 0) story.group("g").commit("t", 0, static_cast<std::uint64_t>(committed));
    }
    story.look();
  }
  void intervals(int count, double share = 1, double rate = 10) {
    for (int i = 0; i < count; ++i) interval(share, rate);
  }
  /// Looks until it is the status; how many.
  int until(const std::string& status, double share, int most = 30) {
    for (int i = 1; i <= most; ++i) {
      interval(share);
      if (story.status() == status) return i;
    }
    return most + 1;
  }

  ConsumerStory story;
  double written = 0, committed = 0;
};

TEST_F(Steady, AGroupThatReadsEverythingHasNoLagAndIsOk) {
  for (int i = 0; i < 30; ++i) {
    interval();
    EXPECT_EQ(story.of("lag_messages"), 0);
    EXPECT_EQ(story.of("lag_seconds"), 0);
    EXPECT_EQ(story.error()->seconds, 0);
    EXPECT_EQ(story.of("partitions_unknown"), 0);
    EXPECT_EQ(story.status(), "ok");
  }
  EXPECT_NEAR(*story.value("consumer_messages_per_second{consumer_group=g,direction=in,topic=t}"), 10, 0.1);
  EXPECT_NEAR(*story.value("consumer_messages_per_second{consumer_group=g,direction=out,topic=t}"), 10, 0.1);
  EXPECT_EQ(story.of("catch_up_seconds"), 0);
  EXPECT_EQ(story.of("retention_seconds"), kNothing);
  EXPECT_EQ(story.of("lag_skew_ratio"), kNothing);
  EXPECT_EQ(story.value("consumer_members{consumer_group=g}"), 1);
  EXPECT_EQ(story.value("consumer_left_out{what=topic}"), 0);
}

TEST_F(Steady, AStalledConsumerIsToldWithinTwoIntervals) {
  intervals(12);
  EXPECT_LE(until("stalled", 0), 3);  // the first look only sees the last commit
  EXPECT_NEAR(*story.of("lag_messages"), 150, 51);
  intervals(20, 0);
  EXPECT_EQ(story.status(), "stalled");
  const auto truth = (story.now - story.log("t").came(static_cast<std::uint64_t>(committed))) / 1000;
  EXPECT_NEAR(*story.of("lag_seconds"), truth, 1);
  EXPECT_NEAR(*story.of("retention_seconds"), 86400 - truth, 1);
  EXPECT_EQ(story.of("catch_up_seconds"), kNothing);
}

TEST_F(Steady, ADeadConsumerIsStoppedWithinTwoIntervals) {
  intervals(12);
  story.group("g").leave();
  EXPECT_LE(until("stopped", 0), 2);
  EXPECT_EQ(story.value("consumer_members{consumer_group=g}"), 0);
}

TEST_F(Steady, ASlowConsumerIsToldFromAStalledOne) {
  intervals(12);
  EXPECT_LE(until("slow", 0.3), 4);  // its lag must first exceed what is usual between two commits
  intervals(12, 0.3);
  EXPECT_EQ(story.status(), "slow");
  EXPECT_EQ(story.of("catch_up_seconds"), kNothing);
  intervals(20, 4);
  EXPECT_EQ(story.status(), "ok");
}

TEST_F(Steady, AConsumerThatCatchesUpSaysWhen) {
  intervals(24, 0.2);
  intervals(12, 1.5);
  EXPECT_EQ(story.status(), "ok") << "it reads more than comes in";
  ASSERT_TRUE(story.of("catch_up_seconds"));
  EXPECT_NEAR(*story.of("catch_up_seconds"), *story.of("lag_messages") / 5, *story.of("lag_messages") / 25);
}

TEST_F(Steady, NobodyIsInTheGroupAndNothingComesIsOk) {
  intervals(12);
  story.group("g").leave();
  for (int i = 0; i < 30; ++i) {
    interval(1, 0);
    EXPECT_EQ(story.status(), "ok");
    EXPECT_EQ(story.of("lag_seconds"), 0);
  }
}

TEST_F(Steady, AConsumerWithoutAGroupsMembersIsNotStopped) {
  story.group("g").leave();
  for (int i = 0; i < 40; ++i) {
    interval(i % 3 == 0 ? 3 : 0);  // it commits every third look
    if (i > 4) EXPECT_EQ(story.status(), "ok") << i;
  }
  EXPECT_LE(until("stopped", 0), 14) << "a window after it last committed";
}

TEST_F(Steady, ARebalanceIsSeenWhileItLastsAndCountedWithItsTime) {
  intervals(6);
  story.group("g").state = ConsumerState::rebalancing;
  EXPECT_EQ(until("rebalancing", 0), 1);
  interval(0);
  story.group("g").state = ConsumerState::stable;
  story.group("g").generation = 2;
  intervals(2);
  EXPECT_EQ(story.value("consumer_rebalances_total{consumer_group=g}"), 1);
  EXPECT_EQ(story.value("consumer_rebalance_seconds_total{consumer_group=g}"), 10);
  story.group("g").generation = 3;  // one between two looks
  intervals(3);
  EXPECT_EQ(story.value("consumer_rebalances_total{consumer_group=g}"), 2);
  EXPECT_EQ(story.status(), "ok");
}

TEST_F(Steady, AGroupThatDoesLittleElseThanRebalanceIsRebalancing) {
  intervals(6);
  for (int i = 0; i < 6; ++i) {
    story.group("g").generation = 10 + static_cast<std::uint64_t>(i);
    interval(0.1);
  }
  EXPECT_EQ(story.status(), "rebalancing");
}

TEST_F(Steady, AnOpenTransactionBlocksAndSaysHowMuch) {
  intervals(12);
  const auto stuck = story.log("t").end;
  for (int i = 0; i < 3; ++i) {
    story.log("t").stable_end = stuck;
    committed = static_cast<double>(stuck);
    story.group("g").commit("t", 0, stuck);
    interval(0);
  }
  EXPECT_EQ(story.status(), "blocked");
  EXPECT_EQ(story.of("lag_blocked_messages"), 150);
  EXPECT_EQ(story.of("lag_messages"), 150);
}

TEST_F(Steady, AnOpenTransactionAlsoBlocksWhoCommitsBeforeTheMarkOfTheLastOne) {
  intervals(12);
  story.write("t", 0, 1);
  written += 1;
  const auto after_mark = story.log("t").end;
  for (int i = 0; i < 3; ++i) {
    story.log("t").stable_end = after_mark;
    interval(0);
  }
  EXPECT_EQ(story.status(), "blocked");
}

TEST_F(Steady, TheMarkAtTheEndOfATransactionIsNothingToWaitFor) {
  story.log("t").stable_end = 0;
  interval(0);
  for (int i = 0; i < 20; ++i) {
    story.log("t").stable_end = story.log("t").end;
    story.group("g").commit("t", 0, story.log("t").end - 1);
    interval(0, 0);
  }
  EXPECT_EQ(story.status(), "ok");
  EXPECT_EQ(story.of("lag_messages"), 1);
  EXPECT_EQ(story.of("lag_seconds"), 0);
  EXPECT_GT(story.error()->seconds, 90) << "should it be a message after all";
}

TEST_F(Steady, AResetIsARewind) {
  intervals(12);
  committed = 100;
  EXPECT_EQ(until("rewound", 0.001), 1);
  EXPECT_GT(*story.of("lag_messages"), 500);
}

TEST_F(Steady, ATopicMadeAgainIsToldFromARewind) {
  intervals(12);
  story.topics["t"].identity = "id-2";
  story.log("t") = StoryLog{};
  written = committed = 0;
  EXPECT_EQ(until("recreated", 1), 1);
  EXPECT_EQ(story.of("lag_messages"), 0);
  intervals(13);
  EXPECT_EQ(story.status(), "ok");
}

TEST_F(Steady, ATopicMadeAgainIsToldWithoutAnyCommitToo) {
  intervals(12);
  story.topics["t"].identity = "id-2";
  story.log("t") = StoryLog{};
  written = committed = 0;
  story.group("g").commits.clear();
  story.group("g").assigned.clear();
  interval(0);
  EXPECT_EQ(story.status(), "recreated");
  EXPECT_EQ(story.of("lag_messages"), kNothing);
  intervals(13, 0);
  EXPECT_EQ(story.status(), "none");
}

TEST_F(Steady, RetentionThatOvertakesTheConsumerIsLossAndCounted) {
  intervals(12);
  intervals(2, 0);
  const auto read = static_cast<std::uint64_t>(committed);
  story.log("t").start = read + 40;
  EXPECT_EQ(until("lossy", 0), 1);
  EXPECT_EQ(story.of("lost_messages_total"), 40);
  EXPECT_EQ(story.of("lag_messages"), static_cast<double>(story.log("t").end - read - 40))
      << "what can be read";
  story.log("t").start = read + 60;
  interval(0);
  EXPECT_EQ(story.of("lost_messages_total"), 60);
  EXPECT_NEAR(*story.of("lag_seconds"), (story.now - story.log("t").came(read + 60)) / 1000, 1)
      << "of what can be read";
  committed += 100;
  intervals(14, 4);
  EXPECT_EQ(story.of("lost_messages_total"), 60);
  EXPECT_EQ(story.status(), "ok");
}

TEST_F(Steady, ACommitBeyondTheEndIsEvidenceAndNoLag) {
  intervals(12);
  auto& log = story.log("t");
  log.end -= 100;
  while (log.batches.back().first >= log.end) log.batches.pop_back();
  story.pass(kInterval);
  story.look();
  EXPECT_EQ(story.status(), "truncated");
  EXPECT_EQ(story.of("beyond_end_messages"), 100);
  EXPECT_EQ(story.of("lag_messages"), kNothing);
  EXPECT_EQ(story.of("lag_seconds"), kNothing);
  EXPECT_EQ(story.of("partitions_unknown"), 1);
}

TEST_F(Steady, NothingCommittedIsNoLag) {
  story.group("g").commits.clear();
  story.pass(kInterval);
  story.write("t", 0, 100);
  story.look();
  EXPECT_EQ(story.status(), "uncommitted");
  EXPECT_EQ(story.of("lag_messages"), kNothing);
  EXPECT_EQ(story.of("lag_seconds"), kNothing);
}

TEST_F(Steady, ALeaderThatDoesNotAnswerGivesNoFalseZero) {
  intervals(12);
  story.log("t").answers = false;
  interval(1);
  EXPECT_EQ(story.of("lag_messages"), kNothing);
  EXPECT_EQ(story.of("lag_seconds"), kNothing);
  EXPECT_EQ(story.of("partitions_unknown"), 1);
  EXPECT_EQ(story.status(), "unknown");
  story.log("t").answers = true;
  interval(1);
  EXPECT_EQ(story.of("lag_seconds"), 0);
  EXPECT_EQ(story.status(), "ok");
}

TEST_F(Steady, TheSecondsGrowOnWhileTheLeaderIsSilent) {
  intervals(12);
  intervals(6, 0);
  const auto before = *story.of("lag_seconds");
  story.log("t").answers = false;
  for (int i = 1; i < 10; ++i) {
    interval(0);
    EXPECT_NEAR(*story.of("lag_seconds"), before + 5 * i, 0.01);
    EXPECT_EQ(story.of("partitions_unknown"), 1);
  }
  EXPECT_EQ(story.status(), "unknown");
}

TEST_F(Steady, OneSilentLeaderDarkensOnlyItsOwnPartition) {
  story.group("g").assigned["t"] = {0, 1};
  story.log("t", 1);
  story.group("g").commit("t", 1, 0);
  intervals(6);
  story.write("t", 1, 7);
  story.log("t", 0).answers = false;
  interval(1);
  EXPECT_EQ(story.of("lag_messages"), 7);
  EXPECT_EQ(story.of("partitions_unknown"), 1);
}

TEST_F(Steady, ALeaderlessPartitionIsCalledSo) {
  intervals(6);
  story.log("t").leaderless = true;
  interval(0);
  EXPECT_EQ(story.status(), "leaderless");
  EXPECT_EQ(story.of("lag_messages"), kNothing);
}

TEST_F(Steady, AGroupThatIsAbsentIsUnknownWhileSomebodyIsSilentAndGoneOtherwise) {
  intervals(6);
  story.group("g").answers = false;
  interval(1);
  EXPECT_EQ(story.status(), "unknown");
  EXPECT_EQ(story.of("lag_messages"), kNothing);
  story.group("g").exists = false;
  interval(1);
  EXPECT_EQ(story.status(), "none");
}

TEST_F(Steady, AfterARestartStampsDateWhatOurHistoryDoesNotReach) {
  intervals(6);
  intervals(400, 0);  // 2,000 s
  const auto truth = [&] {
    return (story.now - story.log("t").came(static_cast<std::uint64_t>(committed))) / 1000;
  };
  story.restart();
  interval(0);
  EXPECT_EQ(story.error()->method, "bisection");
  EXPECT_NEAR(*story.of("lag_seconds"), truth(), truth() / 20);
  EXPECT_LE(std::abs(*story.of("lag_seconds") - truth()), story.error()->seconds);
  EXPECT_GT(story.questions(), 0U);
  interval(0);
  EXPECT_EQ(story.questions(), 0U) << "what was learnt is kept";
  EXPECT_NEAR(*story.of("lag_seconds"), truth(), truth() / 20);
}

TEST_F(Steady, WithoutAnswersTheLagIsALowerBound) {
  intervals(6);
  intervals(20, 0);
  story.restart();
  story.answers_questions = false;
  interval(0);
  EXPECT_EQ(story.error()->method, "at_least");
  EXPECT_TRUE(std::isinf(story.error()->seconds));
  interval(0);
  EXPECT_NEAR(*story.of("lag_seconds"), 5, 0.1);
  EXPECT_EQ(story.questions(), 0U) << "nobody answered a moment ago";
}

TEST_F(Steady, StampsFromTheFutureMakeNoNegativeLag) {
  intervals(6);
  story.stamp_error = 3'600'000;
  intervals(20, 0);
  story.restart();
  for (int i = 0; i < 5; ++i) {
    interval(0);
    ASSERT_TRUE(story.of("lag_seconds"));
    EXPECT_GE(*story.of("lag_seconds"), 0);
    EXPECT_LE(*story.of("lag_seconds"), story.now / 1000);
    const auto truth = (story.now - story.log("t").came(static_cast<std::uint64_t>(committed))) / 1000;
    EXPECT_LE(std::abs(*story.of("lag_seconds") - truth), story.error()->seconds);
  }
}

TEST_F(Steady, AFreshLookCanNotTellSlowFromStalledButKnowsWhenNobodyIsThere) {
  intervals(6);
  intervals(40, 0);
  story.restart();
  story.look();
  EXPECT_EQ(story.status(), "unknown");
  story.group("g").leave();
  story.restart();
  story.look();
  EXPECT_EQ(story.status(), "stopped");
}

TEST_F(Steady, OnlyTheWorstPartitionsAndThoseAloneInTroubleHaveSeries) {
  for (std::int32_t p = 1; p < 20; ++p) {
    story.log("t", p);
    story.group("g").commit("t", p, 0);
    story.group("g").assigned["t"].push_back(p);
  }
  std::ranges::sort(story.group("g").assigned["t"]);
  story.group("g").assigned["t"].insert(story.group("g").assigned["t"].begin(), 0);
  intervals(6);
  const auto shown = [&] {
    int count = 0;
    for (const auto& [series, value] : story.values())
      count += series.starts_with("consumer_partition_lag_messages");
    return count;
  };
  EXPECT_EQ(shown(), 0);
  for (std::int32_t p = 1; p < 20; ++p) story.write("t", p, static_cast<std::uint64_t>(p));
  intervals(4, 1);
  EXPECT_EQ(shown(), 3);
  EXPECT_FALSE(story.repeated());
}

TEST_F(Steady, TheLimitOfSeriesHoldsAndWhatIsLeftOutIsCounted) {
  story.detail.series_limit = 300;
  for (int i = 0; i < 200; ++i) {
    auto& group = story.group("g" + std::to_string(i));
    group.commit("t", 0, 0);
  }
  intervals(3);
  EXPECT_LE(story.values().size(), 302U);
  EXPECT_GT(*story.value("consumer_left_out{what=topic}"), 150);
}

TEST_F(Steady, TheNamesOfKafkaLagExporterAreThereWhenWanted) {
  intervals(3, 0.5);
  EXPECT_EQ(story.value("kafka_consumergroup_group_sum_lag{cluster_name=events,group=g}"), kNothing);
  story.detail.kafka_lag_exporter_names = true;
  intervals(3, 0.5);
  const auto lag = story.of("lag_messages");
  EXPECT_EQ(story.value("kafka_consumergroup_group_lag{cluster_name=events,group=g,partition=0,topic=t}"),
            lag);
  EXPECT_EQ(story.value("kafka_consumergroup_group_sum_lag{cluster_name=events,group=g}"), lag);
  EXPECT_EQ(story.value("kafka_consumergroup_group_topic_sum_lag{cluster_name=events,group=g,topic=t}"), lag);
  EXPECT_EQ(story.value("kafka_consumergroup_group_max_lag{cluster_name=events,group=g}"), lag);
  EXPECT_EQ(story.value("kafka_consumergroup_group_max_lag_seconds{cluster_name=events,group=g}"),
            story.of("lag_seconds"));
  EXPECT_EQ(story.value("kafka_partition_latest_offset{cluster_name=events,partition=0,topic=t}"),
            static_cast<double>(story.log("t").end));
  EXPECT_EQ(story.value("kafka_partition_earliest_offset{cluster_name=events,partition=0,topic=t}"), 0);
  EXPECT_FALSE(story.repeated());
}

TEST_F(Steady, TheRowsForPeopleSayWhy) {
  intervals(12);
  story.group("g").leave();
  intervals(3, 0);
  const auto rows = consumers_of(story.samples());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].group, "g");
  EXPECT_EQ(rows[0].status, ConsumerStatus::stopped);
  EXPECT_EQ(describe(rows[0]), "nobody is in the group, and 150 messages wait");
}

}  // namespace
}  // namespace qw::signals
