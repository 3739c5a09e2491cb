#include "probes/signals/split_brain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
constexpr auto kNothing = std::nullopt;

// ---- the proof ----

TEST(SplitBrain, TwoClaimsInOneLookAreNotYetTwoLeaders) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).leads("b", 8).follows("c", "b", 8)});
  EXPECT_THAT(story.doubts(0), ElementsAre("a", "b"));
  EXPECT_EQ(story.value("leaders"), 1);
  EXPECT_EQ(story.split_brain("fenced"), 0);
  EXPECT_EQ(story.overlap("lower"), kNothing);
}

TEST(SplitBrain, AskingTheFirstAgainAndThenTheSecondProvesTheOverlap) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).leads("b", 8).follows("c", "b", 8), Look(3, 5).leads("a", 7),
               Look(6, 8).leads("b", 8)});
  EXPECT_THAT(story.doubts(0), ElementsAre("a", "b"));
  EXPECT_THAT(story.doubts(1), ElementsAre("b", "a")) << "b's one claim may have been true before a's first";
  EXPECT_THAT(story.doubts(2), IsEmpty());
  EXPECT_EQ(story.value("leaders"), 2);
  EXPECT_EQ(story.split_brain("fenced"), 1);
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  EXPECT_NEAR(*story.overlap("lower"), 0.001, 1e-9)
      << "from 2 ms (both have answered) to 3 ms (a is asked again)";
  EXPECT_EQ(story.overlap("upper"), kNothing) << "it may have begun before the first look";
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=fenced}"), 1);
}

TEST(SplitBrain, OneSecondLookIsEnoughWhereTheFirstLeaderIsKnownFromBefore) {
  Story story(etcd());
  story.round({led_by(0, "a", 7)});
  story.round(
      {Look(1000, 1002).leads("a", 7).leads("b", 8).follows("c", "b", 8), Look(1003, 1005).leads("a", 7)});
  EXPECT_THAT(story.doubts(0), ElementsAre("a", "b"));
  EXPECT_THAT(story.doubts(1), IsEmpty());
  EXPECT_EQ(story.value("leaders"), 2);
  EXPECT_EQ(story.overlap("lower"), 0);
  EXPECT_NEAR(*story.overlap("upper"), 1.006, 1e-9) << "b was last seen following at 0 ms";
}

TEST(SplitBrain, ANegativeSecondLookIsAHandOver) {
  struct Case {
    std::string_view name;
    std::vector<Look> looks;
  };
  const auto first = [] { return Look(1000, 1002).leads("a", 7).leads("b", 8).follows("c", "b", 8); };
  const Case cases[] = {
      {"the first follows", {first(), Look(1003, 1005).follows("a", "b", 8)}},
      {"the first has no leader", {first(), Look(1003, 1005).has_no_leader("a", 7)}},
      {"the first does not answer", {first(), Look(1003, 1005).silent("a")}},
      {"the first does not know", {first(), Look(1003, 1005).knows_nothing("a")}},
  };
  for (const auto& one : cases) {
    Story story(etcd());
    story.round({led_by(0, "a", 7)});
    story.round(one.looks);
    EXPECT_THAT(story.doubts(1), IsEmpty()) << one.name;
    EXPECT_EQ(story.value("leaders"), 1) << one.name;
    EXPECT_EQ(story.split_brain("fenced"), 0) << one.name;
    EXPECT_EQ(story.value("split_brain_overlaps_total{kind=fenced}"), 0) << one.name;
  }
}

TEST(SplitBrain, ANewTenureOfTheFirstDoesNotCloseAroundTheClaimOfTheSecond) {
  Story story(etcd());
  story.round({led_by(0, "a", 7)});
  story.round({Look(1000, 1002).leads("a", 7).leads("b", 8), Look(1003, 1005).leads("a", 9)});
  EXPECT_EQ(story.value("leaders"), 1);
  EXPECT_THAT(story.doubts(1), ElementsAre("b", "a")) << "b was asked once, a twice";
}

TEST(SplitBrain, AsksNobodyMoreThanTwiceAgain) {
  Story story(etcd());
  std::vector<Look> looks{Look(0, 2).leads("a", 1).leads("b", 2)};
  for (std::uint64_t i = 0; i < 4; ++i) {
    const auto t = 10 + 10 * static_cast<double>(i);
    looks.push_back(Look(t, t + 2).leads("a", 3 + 2 * i));
    looks.push_back(Look(t + 5, t + 6).leads("b", 4 + 2 * i));
  }
  story.round(looks);
  EXPECT_THAT(story.doubts(4), IsEmpty());
}

TEST(SplitBrain, TheLateAnswerOfAPausedLeaderProvesNothing) {
  // [LIVE] the answer waited in the socket for 2.5 s and still said leader (facts section 4).
  Story story(etcd());
  story.round({led_by(0, "a", 7)});
  story.round({Look(1000, 1002).leads("b", 8).follows("c", "b", 8).during(500, 3500).leads("a", 7),
               Look(3501, 3502).follows("a", "b", 8)});
  EXPECT_EQ(story.value("leaders"), 1);
  EXPECT_EQ(story.split_brain("fenced"), 0);
}

TEST(SplitBrain, WithoutEpochOrTokenOnlyQuickClaimsAreTakenForOneTenure) {
  Story near(etcd());
  near.round({Look(0, 2).leads("a").leads("b"), Look(3, 5).leads("a"), Look(6, 8).leads("b")});
  EXPECT_EQ(near.value("leaders"), 2)
      << "nothing is lost and won again in 5 ms when it takes 1 s to notice a loss";
  Story far(etcd());
  far.round({Look(0, 2).leads("a")});
  far.round({Look(5000, 5002).leads("a").leads("b"), Look(5003, 5005).silent("a")});
  EXPECT_EQ(far.value("leaders"), 1);
}

TEST(SplitBrain, CountsThreeLeadersOnlyAtOneInstant) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 1).leads("b", 2).leads("c", 3), Look(3, 5).leads("a", 1),
               Look(6, 8).leads("b", 2), Look(9, 11).leads("c", 3)});
  EXPECT_EQ(story.value("leaders"), 3);
  Story pairs(etcd());
  // a and b overlap, and b and c do, but a had ended when c began.
  pairs.round({Look(0, 2).leads("a", 1).leads("b", 2).follows("c", "b", 2), Look(3, 5).leads("a", 1),
               Look(6, 8).leads("b", 2), Look(9, 10).has_no_leader("a", 2), Look(11, 12).leads("c", 3),
               Look(13, 14).leads("b", 2), Look(15, 16).leads("c", 3)});
  EXPECT_EQ(pairs.value("leaders"), 2);
}

// ---- fenced ----

// The measured partition (facts/servers.md section 3): the old leader claims until 1.6 s after the cut, the
// new one from 0.9 s.
TEST(SplitBrain, AnEtcdPartitionIsFencedWithTrueBoundsAndOverWhenTheOldLeaderSteppedDown) {
  Story story(etcd());
  story.round({led_by(0, "n1", 7)});
  const auto cut = [](double t) { return Look(t, t + 2); };
  story.round({cut(500).leads("n1", 7).follows("n2", "n1", 7).follows("n3", "n1", 7)});
  story.round({cut(1000).leads("n1", 7).leads("n3", 8).follows("n2", "n3", 8), cut(1003).leads("n1", 7)});
  EXPECT_EQ(story.split_brain("fenced"), 1);
  story.round({cut(1500).leads("n1", 7).leads("n3", 8).follows("n2", "n3", 8)});
  EXPECT_EQ(story.value("leaders"), 2) << "both tenures go on: no second look is needed";
  EXPECT_THAT(story.doubts(0), IsEmpty());
  EXPECT_NEAR(*story.overlap("lower"), 0.498, 1e-9);
  story.round({cut(2000).has_no_leader("n1", 7).leads("n3", 8).follows("n2", "n3", 8)});
  EXPECT_EQ(story.value("leaders"), 1);
  EXPECT_EQ(story.split_brain("fenced"), 0);
  EXPECT_NEAR(*story.overlap("lower"), 0.498, 1e-9);  // truth: 0.7 s
  EXPECT_NEAR(*story.overlap("upper"), 2.002 - 0.5, 1e-9);
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  EXPECT_EQ(story.elections("unplanned") + story.elections("unknown"), 1);
}

TEST(SplitBrain, RemembersTheLastOverlapForFifteenMinutes) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).leads("b", 8), Look(3, 5).leads("a", 7), Look(6, 8).leads("b", 8)});
  story.round({led_by(1000, "b", 8)});
  EXPECT_TRUE(story.overlap("lower"));
  story.round({led_by(899'000, "b", 8)});
  EXPECT_TRUE(story.overlap("lower"));
  story.round({led_by(901'000, "b", 8)});
  EXPECT_FALSE(story.overlap("lower"));
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=fenced}"), 1) << "it is not found a second time";
}

TEST(SplitBrain, AnOverlapStandsUntilALookShowsItOver) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).leads("b", 8), Look(3, 5).leads("a", 7), Look(6, 8).leads("b", 8)});
  story.round({Look(1000, 1002).silent("a").leads("b", 8)});
  EXPECT_EQ(story.value("leaders"), 1) << "of this round";
  EXPECT_EQ(story.split_brain("fenced"), 1) << "nobody has shown that it is over";
  story.round({Look(2000, 2002).follows("a", "b", 8).leads("b", 8)});
  EXPECT_EQ(story.split_brain("fenced"), 0);
}

TEST(SplitBrain, TwoLeadersInOneEpochAreUnfencedAtOnce) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).leads("b", 7), Look(3, 5).leads("a", 7), Look(6, 8).leads("b", 7)});
  EXPECT_EQ(story.split_brain("unfenced"), 1);
  EXPECT_EQ(story.split_brain("fenced"), 0);
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=unfenced}"), 1);
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=fenced}"), 0);
}

// facts/servers.md section 3: n1 restarted alone with --force-new-cluster has the same cluster id, term 3 and
// members [n1].
TEST(SplitBrain, ForceNewClusterIsUnfencedBecauseBothCanCommit) {
  Story story(etcd());
  const auto look = [](double t) {
    return Look(t, t + 2)
        .leads("n1", 3)
        .of_lineage("c")
        .counts_voters("n1", 1)
        .leads("n3", 2)
        .of_lineage("c")
        .counts_voters("n3", 3)
        .follows("n2", "n3", 2)
        .of_lineage("c")
        .counts_voters("n2", 3);
  };
  story.round(
      {look(0), Look(3, 5).leads("n1", 3).of_lineage("c"), Look(6, 8).leads("n3", 2).of_lineage("c")});
  EXPECT_EQ(story.split_brain("fenced"), 1) << "a change of members could look like this for a moment";
  story.round({look(1000)});
  story.round({look(2500)});
  EXPECT_EQ(story.split_brain("unfenced"), 1);
  EXPECT_EQ(story.split_brain("fenced"), 0);
  EXPECT_EQ(story.split_brain("identity"), 0);
  story.round({Look(4000, 4002)
                   .leads("n1", 3)
                   .of_lineage("c")
                   .counts_voters("n1", 1)
                   .leads("n3", 2)
                   .of_lineage("c")
                   .counts_voters("n3", 3)
                   .silent("n2")});
  EXPECT_EQ(story.split_brain("unfenced"), 1) << "one missing answer does not undo it";
}

TEST(SplitBrain, ADeposedLeaderThatLastsIsFencedForAsLongAsItCanNotCommit) {
  // A stalled disk keeps it in office for ever (etcd#13527).
  Story story(etcd());
  for (double t = 0; t < 60'000; t += 1000) {
    story.round(
        {Look(t, t + 2).leads("a", 7).counts_voters("a", 3).leads("b", 8).counts_voters("b", 3).follows(
            "c", "b", 8)});
  }
  EXPECT_EQ(story.split_brain("fenced"), 1);
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  EXPECT_NEAR(*story.overlap("lower"), 58.998, 1e-6);
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=fenced}"), 1);
}

// ---- unfenced ----

Look two_masters(double t, std::uint64_t old_position, std::uint64_t new_position = 500) {
  return Look(t, t + 2)
      .leads("r1", {}, "run1/x")
      .stands("r1", Role::leader, "x", old_position)
      .leads("r2", {}, "run2/y")
      .stands("r2", Role::leader, "y", new_position)
      .forked("x", 148);
}

// [LIVE] a forced, healthy SENTINEL FAILOVER leaves two masters for 11 s (facts/servers.md section 5).
TEST(SplitBrain, ASentinelFailOverWithoutWritesToTheOldMasterIsNone) {
  Story story(redis());
  story.round(
      {Look(0, 2).leads("r1", {}, "run1/x").stands("r1", Role::leader, "x", 148).follows("r2", "r1")});
  for (double t = 1000; t < 12'000; t += 1000) {
    story.round({two_masters(t, 148), Look(t + 3, t + 4).leads("r1", {}, "run1/x")});
    EXPECT_EQ(story.value("leaders"), 2);
    EXPECT_EQ(story.split_brain("unfenced"), 0) << t;
    EXPECT_EQ(story.split_brain("fenced"), 0) << "nothing fences a Redis master";
  }
  story.round({Look(12'000, 12'002).follows("r1", "r2").leads("r2", {}, "run2/y")});
  EXPECT_EQ(story.value("leaders"), 1);
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=unfenced}"), 0);
}

TEST(SplitBrain, AnOldMasterThatTakesAWriteIsOneAtOnceWithTheBytesThatWillBeLost) {
  Story story(redis());
  story.round(
      {two_masters(0, 148), Look(3, 4).leads("r1", {}, "run1/x"), Look(5, 6).leads("r2", {}, "run2/y")});
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  EXPECT_EQ(story.value("split_brain_diverged_bytes"), 0);
  story.round({two_masters(1000, 202, 90'000)});
  EXPECT_EQ(story.split_brain("unfenced"), 1);
  EXPECT_EQ(story.value("split_brain_diverged_bytes"), 54) << "[LIVE] facts section 0, finding 7";
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=unfenced}"), 1);
  story.round({Look(2000, 2002).follows("r1", "r2").leads("r2", {}, "run2/y")});
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  EXPECT_EQ(story.value("split_brain_diverged_bytes"), 54) << "what was lost stays readable with the overlap";
}

TEST(SplitBrain, TwoMastersThatNothingEndsAreOneEvenWithoutPositions) {
  Story story(redis());
  for (double t = 0; t <= 17'000; t += 1000) {
    story.round({Look(t, t + 2).leads("r1", {}, "x").leads("r2", {}, "y"),
                 Look(t + 3, t + 4).leads("r1", {}, "x"), Look(t + 5, t + 6).leads("r2", {}, "y")});
    EXPECT_EQ(story.split_brain("unfenced"), t + 3 - 2 > 15'000 ? 1 : 0) << t;
  }
  EXPECT_EQ(story.value("split_brain_diverged_bytes"), kNothing) << "nobody says how far they are apart";
}

}  // namespace
}  // namespace qw::signals
