#include "probes/signals/leadership.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
constexpr auto kNothing = std::nullopt;

// ---- who leads ----

TEST(Leadership, ReportsOneLeaderAndAllCountersFromTheFirstRound) {
  Story story(etcd());
  story.round({led_by(0)});
  const std::map<std::string, double> expected{{"leaders", 1},
                                               {"leader_claim{member=a}", 1},
                                               {"leader_claim{member=b}", 0},
                                               {"leader_claim{member=c}", 0},
                                               {"leader_views", 1},
                                               {"leader_absent_seconds", 0},
                                               {"leader_epoch", 7},
                                               {"leader_elections_total{cause=planned}", 0},
                                               {"leader_elections_total{cause=unplanned}", 0},
                                               {"leader_elections_total{cause=unknown}", 0},
                                               {"leader_elections_total{cause=failed}", 0},
                                               {"leader_elections_recent{window=1m}", 0},
                                               {"leader_elections_recent{window=15m}", 0},
                                               {"leader_epoch_regressions_total", 0},
                                               {"quorum_members", 3},
                                               {"quorum_failures_tolerated", 1},
                                               {"quorum_two_members", 0},
                                               {"split_brain{kind=fenced}", 0},
                                               {"split_brain{kind=unfenced}", 0},
                                               {"split_brain{kind=identity}", 0},
                                               {"split_brain_overlaps_total{kind=fenced}", 0},
                                               {"split_brain_overlaps_total{kind=unfenced}", 0}};
  EXPECT_EQ(story.values(), expected);
}

struct LeadersCase {
  std::string_view name;
  Look look;
  std::optional<double> leaders;
  std::optional<double> absent;
};

TEST(Leadership, SaysZeroOnlyWhenNobodyCanLeadAndNothingWhenItIsUnknown) {
  Look start = led_by(0);
  const auto look = [] { return Look(1000, 1002); };
  const LeadersCase cases[] = {
      {"all say no", look().has_no_leader("a", 8).has_no_leader("b", 8).has_no_leader("c", 8), 0, 1.003},
      {"a majority of the voters has no leader",
       look().silent("a").has_no_leader("b", 8).has_no_leader("c", 8), 0, 1.003},
      {"the followers name a leader that does not answer us",
       look().silent("a").follows("b", "a", 7).follows("c", "a", 7), kNothing, 0},
      {"one of two followers still names it", look().silent("a").follows("b", "a", 7).has_no_leader("c", 8),
       kNothing, 1.003},
      {"only one answers", look().silent("a").silent("b").has_no_leader("c", 8), kNothing, 1.003},
      {"nobody answers", look().silent("a").silent("b").silent("c"), kNothing, kNothing},
      {"all answer but do not say", look().knows_nothing("a").knows_nothing("b").knows_nothing("c"), kNothing,
       kNothing},
      {"they follow a member that nobody asks",
       look().follows("a", "z", 8).follows("b", "z", 8).follows("c", "z", 8), kNothing, 0},
      {"one claims, the rest is silent", look().leads("a", 7).silent("b").silent("c"), 1, 0},
  };
  for (const auto& one : cases) {
    Story story(etcd());
    story.round({start});
    story.round({one.look});
    EXPECT_EQ(story.value("leaders"), one.leaders) << one.name;
    ASSERT_EQ(story.value("leader_absent_seconds").has_value(), one.absent.has_value()) << one.name;
    if (one.absent) EXPECT_NEAR(*story.value("leader_absent_seconds"), *one.absent, 1e-9) << one.name;
  }
}

TEST(Leadership, LeavesOutTheClaimOfAMemberThatDoesNotAnswerOrDoesNotSay) {
  Story story(etcd());
  story.round({led_by(0)});
  story.round({Look(1000, 1002).leads("a", 7).silent("b").knows_nothing("c")});
  EXPECT_EQ(story.value("leader_claim{member=a}"), 1);
  EXPECT_EQ(story.value("leader_claim{member=b}"), kNothing);
  EXPECT_EQ(story.value("leader_claim{member=c}"), kNothing);
}

TEST(Leadership, WitnessesHaveNoClaim) {
  Story story(redis());
  story.round({Look(0, 1).leads("r1", {}, "x").without_vote().witnesses("s1", "r1", 0)});
  EXPECT_EQ(story.value("leader_claim{member=r1}"), 1);
  EXPECT_EQ(story.value("leader_claim{member=s1}"), kNothing);
}

TEST(Leadership, AbsentTimeGrowsUntilSomebodyLeadsAgain) {
  Story story(etcd());
  story.round({led_by(0)});
  for (const double t : {1000.0, 2000.0, 3000.0}) {
    story.round({Look(t, t + 2).silent("a").has_no_leader("b", 8).has_no_leader("c", 8)});
    EXPECT_NEAR(*story.value("leader_absent_seconds"), (t + 3) / 1000, 1e-9);
  }
  story.round({Look(4000, 4002).silent("a").leads("b", 9).follows("c", "b", 9)});
  EXPECT_EQ(story.value("leader_absent_seconds"), 0);
}

// Sentinels go on naming a dead master until they have replaced it.
TEST(Leadership, WitnessesThatNameASilentLeaderDoNotMakeItLead) {
  Story story(redis());
  const auto look = [](double t) {
    return Look(t, t + 2).witnesses("s1", "r1", 0).witnesses("s2", "r1", 0).witnesses("s3", "r1", 0);
  };
  story.round({look(0).leads("r1", {}, "x").without_vote()});
  story.round({look(4000).silent("r1").follows("r2", "r1").without_vote()});
  EXPECT_EQ(story.value("leaders"), kNothing);
  EXPECT_NEAR(*story.value("leader_absent_seconds"), 4.003, 1e-9);
}

TEST(Leadership, ForgetsAllLooksOfTheRoundBefore) {
  Story story(etcd());
  story.round({led_by(0)});
  story.round({Look(1000, 1001).silent("a").silent("b").silent("c")});
  EXPECT_EQ(story.value("leaders"), kNothing);
  EXPECT_EQ(story.value("leader_epoch"), kNothing);
  EXPECT_EQ(story.value("split_brain{kind=fenced}"), kNothing);
  EXPECT_EQ(story.elections("planned"), 0) << "counters are of the process, not of the round";
}

// ---- quorum ----

TEST(Leadership, CountsHowManyVotersMayFail) {
  struct Case {
    std::string_view name;
    Look look;
    double members, tolerated, two;
  };
  const auto look = [] { return Look(0, 2); };
  const Case cases[] = {
      {"one of three is down", look().leads("a", 1).follows("b", "a", 1).silent("c").counts_voters("a", 3), 3,
       0, 0},
      {"two of three are down", look().leads("a", 1).silent("b").silent("c").counts_voters("a", 3), 3, -1, 0},
      {"one of three follows nobody",
       look().leads("a", 1).follows("b", "a", 1).has_no_leader("c", 4).counts_voters("a", 3), 3, 0, 0},
      {"an election: all three can vote",
       look().has_no_leader("a", 1).has_no_leader("b", 1).has_no_leader("c", 1).counts_voters("a", 3), 3, 1,
       0},
      {"two voters tolerate nothing", look().leads("a", 1).follows("b", "a", 1).counts_voters("a", 2), 2, 0,
       1},
      {"one voter", look().leads("a", 1).counts_voters("a", 1), 1, 0, 0},
      {"the leader's view counts, not the others'",
       look().leads("a", 1).follows("b", "a", 1).counts_voters("a", 3).counts_voters("b", 5), 3, 0, 0},
      {"without a leader most members' view counts",
       look()
           .has_no_leader("a", 1)
           .has_no_leader("b", 1)
           .has_no_leader("c", 1)
           .counts_voters("a", 5)
           .counts_voters("b", 3)
           .counts_voters("c", 3),
       3, 1, 0},
      {"witnesses count when they answer",
       look()
           .leads("r", {}, "x")
           .without_vote()
           .witnesses("s1", "r", 0)
           .witnesses("s2", "r", 0)
           .witnesses("s3", "q", 0),
       3, 1, 0},
      {"five voters",
       look()
           .leads("a", 1)
           .follows("b", "a", 1)
           .follows("c", "a", 1)
           .follows("d", "a", 1)
           .follows("e", "a", 1)
           .counts_voters("a", 5),
       5, 2, 0},
  };
  for (const auto& one : cases) {
    Story story(etcd());
    story.round({one.look});
    EXPECT_EQ(story.value("quorum_members"), one.members) << one.name;
    EXPECT_EQ(story.value("quorum_failures_tolerated"), one.tolerated) << one.name;
    EXPECT_EQ(story.value("quorum_two_members"), one.two) << one.name;
  }
}

TEST(Leadership, DoesNotTakeAMemberThatMayNotNameItsLeaderForADeadOne) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).keeps_its_leader_to_itself("b").keeps_its_leader_to_itself("c")});
  EXPECT_EQ(story.value("leaders"), 1);
  EXPECT_EQ(story.value("quorum_members"), 3);
  EXPECT_EQ(story.value("quorum_failures_tolerated"), kNothing);
  // They may well follow somebody.
  story.round({Look(1000, 1002).silent("a").keeps_its_leader_to_itself("b").keeps_its_leader_to_itself("c")});
  EXPECT_EQ(story.value("leaders"), kNothing);
  story.round({Look(2000, 2002)
                   .follows("a", "x", 8)
                   .keeps_its_leader_to_itself("b")
                   .keeps_its_leader_to_itself("c")});
  EXPECT_EQ(story.value("leaders"), kNothing);
}

TEST(Leadership, HasNoQuorumWhereNobodyVotes) {
  Story story(redis());
  story.round({Look(0, 1).leads("r1", {}, "x").without_vote().follows("r2", "r1").without_vote()});
  EXPECT_EQ(story.value("quorum_members"), kNothing);
  EXPECT_EQ(story.value("quorum_failures_tolerated"), kNothing);
}

TEST(Leadership, CountsTheLeadersThatMembersNameInTheNewestEpoch) {
  struct Case {
    Look look;
    double views;
  };
  const auto look = [] { return Look(0, 2); };
  const Case cases[] = {
      {look().leads("a", 1).follows("b", "a", 1).follows("c", "a", 1), 1},
      {look().leads("a", 1).leads("b", 2).follows("c", "b", 2), 1},  // converging
      {look().witnesses("s1", "r1", 4).witnesses("s2", "r2", 4).witnesses("s3", "r2", 4),
       2},  // never converges (redis#13658)
      {look().witnesses("s1", "r1", 3).witnesses("s2", "r2", 4), 1},
      {look().has_no_leader("a", 1).has_no_leader("b", 1), 0},
      {look().leads("r1", {}, "x").follows("r2", "r1").follows("r3", "r9"), 2},
  };
  for (const auto& one : cases) {
    Story story(etcd());
    story.round({one.look});
    EXPECT_EQ(story.value("leader_views"), one.views);
  }
}

// ---- epochs ----

TEST(Leadership, ACandidatesInflatedEpochIsNotTheLeaderEpoch) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).follows("b", "a", 7).campaigns("c", 31)});
  EXPECT_EQ(story.value("leader_epoch"), 7);
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 0, 0));
}

TEST(Leadership, CountsAnEpochThatGoesBackwardsOnlyForTheSameMemberAndLineage) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).of_lineage("x").follows("b", "a", 7).of_lineage("x")});
  story.round({Look(1000, 1002).leads("a", 7).of_lineage("x").follows("b", "a", 5).of_lineage("x")});
  EXPECT_EQ(story.value("leader_epoch_regressions_total"), 1);
  story.round({Look(2000, 2002).leads("a", 7).of_lineage("x").follows("b", "a", 5).of_lineage("x")});
  EXPECT_EQ(story.value("leader_epoch_regressions_total"), 1) << "it is counted once";
  story.round({Look(3000, 3002).leads("a", 7).of_lineage("x").has_no_leader("b", 1).of_lineage("y")});
  EXPECT_EQ(story.value("leader_epoch_regressions_total"), 1) << "another lineage has its own epochs";
}

TEST(Leadership, AnAnswerThatWasOvertakenIsNoRegression) {
  Story story(etcd());
  story.round({Look(1000, 1002).leads("a", 9)});
  story.round({Look(500, 2500).leads("a", 7)});
  EXPECT_EQ(story.value("leader_epoch_regressions_total"), 0);
}

TEST(Leadership, ComparesEpochsExactlyBeyondWhatADoubleCarries) {
  Story story(etcd());
  constexpr std::uint64_t kNats = 1191202101440508490;  // nats-server#6403
  story.round({led_by(0, "a", kNats)});
  story.round({led_by(1000, "b", kNats + 1)});
  EXPECT_EQ(story.elections("unknown") + story.elections("planned"), 1);
  EXPECT_EQ(story.elections("failed"), 0);
}

// ---- identity ----

TEST(Leadership, TwoLineagesAreAnIdentityMismatchOnceTwoRoundsShowThem) {
  Story story(etcd());
  const auto look = [](double t) {
    return Look(t, t + 2).leads("a", 7).of_lineage("c1").leads("b", 3).of_lineage("c2").knows_nothing("c");
  };
  story.round({look(0)});
  EXPECT_EQ(story.split_brain("identity"), 0);
  story.round({look(1000)});
  EXPECT_EQ(story.split_brain("identity"), 1);
  EXPECT_EQ(story.value("leaders"), 2);
  EXPECT_EQ(story.split_brain("fenced"), 0) << "leaders of two clusters are no overlap within one";
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  story.round({led_by(2000)});
  EXPECT_EQ(story.split_brain("identity"), 1) << "members without a lineage say nothing about it";
}

TEST(Leadership, IdentityIsFineAgainWithOneLineage) {
  Story story(etcd());
  for (const double t : {0.0, 1000.0})
    story.round({Look(t, t + 2).leads("a", 7).of_lineage("c1").leads("b", 3).of_lineage("c2")});
  story.round({Look(2000, 2002).leads("a", 7).of_lineage("c1").follows("b", "a", 7).of_lineage("c1")});
  EXPECT_EQ(story.split_brain("identity"), 0);
}

TEST(Leadership, NeverReportsASeriesTwice) {
  Story story(etcd());
  story.round({led_by(0), Look(5, 6).leads("a", 7), Look(7, 8).leads("a", 7)});
  story.round({Look(1000, 1002).leads("a", 7).leads("b", 8).silent("c"), Look(1003, 1004).leads("a", 7)});
  EXPECT_FALSE(story.repeated());
}

}  // namespace
}  // namespace qw::signals
