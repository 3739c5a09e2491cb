#include "probes/signals/elections.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

using testing::ElementsAre;

Look led_by(double sent, std::string_view leader, std::uint64_t epoch) {
  Look look(sent, sent + 2);
  for (const std::string_view member : {"a", "b", "c"}) {
    member == leader ? look.leads(member, epoch) : look.follows(member, leader, epoch);
  }
  return look;
}

struct Case {
  std::string_view name;
  std::vector<std::vector<Look>> rounds;  ///< after one at 0 ms in which a leads in epoch 7
  std::vector<double> elections;          ///< planned, unplanned, unknown, failed
};

std::vector<Case> etcd_cases() {
  return {
      {"nothing happens", {{led_by(800, "a", 7)}}, {0, 0, 0, 0}},
      {"told to hand over, within the failure detection", {{led_by(800, "b", 8)}}, {1, 0, 0, 0}},
      {"the same, but too far apart to tell", {{led_by(5000, "b", 8)}}, {0, 0, 1, 0}},
      {"too far apart, but a look saw the transfer",
       {{Look(5000, 5002).hands_over("a", 7).follows("b", "a", 7).follows("c", "a", 7)},
        {led_by(10000, "b", 8)}},
       {1, 0, 0, 0}},
      {"a transfer that came to nothing does not excuse a later failure",
       {{Look(1000, 1002).hands_over("a", 7).follows("b", "a", 7).follows("c", "a", 7)},
        {led_by(2000, "a", 7)},
        {led_by(3000, "a", 7)},
        {Look(4000, 4002).silent("a").has_no_leader("b", 8).has_no_leader("c", 8)},
        {Look(5000, 5002).silent("a").leads("b", 8).follows("c", "b", 8)}},
       {0, 1, 0, 0}},
      {"the leader was killed",
       {{Look(1000, 1002).silent("a").has_no_leader("b", 7).has_no_leader("c", 7)},
        {Look(2000, 2002).silent("a").leads("b", 8).follows("c", "b", 8)}},
       {0, 1, 0, 0}},
      {"the leader was killed between two looks",
       {{Look(5000, 5002).silent("a").leads("b", 8).follows("c", "b", 8)}},
       {0, 1, 0, 0}},
      {"members lost their leader, which went on answering",
       {{Look(900, 902).leads("a", 7).campaigns("b", 8).has_no_leader("c", 7)}, {led_by(2100, "b", 8)}},
       {0, 1, 0, 0}},
      {"a moment without a leader, too short for a failure",
       {{Look(400, 402).has_no_leader("a", 8).campaigns("b", 8).has_no_leader("c", 8)},
        {led_by(800, "b", 8)}},
       {0, 0, 1, 0}},
      {"failed candidacies before the election", {{led_by(5000, "b", 11)}}, {0, 1, 0, 3}},
      {"the same member again", {{led_by(5000, "a", 8)}}, {0, 0, 1, 0}},
      {"another member was silent meanwhile",
       {{Look(800, 802).follows("a", "b", 8).leads("b", 8).silent("c")}},
       {0, 0, 1, 0}},
      {"one that was ill before does not spoil it",
       {{Look(500, 502).leads("a", 7).follows("b", "a", 7).silent("c")},
        {Look(1000, 1002).leads("a", 7).follows("b", "a", 7).silent("c")},
        {Look(1500, 1502).leads("a", 7).follows("b", "a", 7).silent("c")},
        {Look(2000, 2002).leads("b", 8).follows("a", "b", 8).silent("c")}},
       {1, 0, 0, 0}},
      {"the old leader's last claim came late: it may have been stopped",
       {{Look(500, 502).follows("b", "a", 7).follows("c", "a", 7).during(500, 1400).leads("a", 7)},
        {led_by(1401, "b", 8)}},
       {0, 0, 1, 0}},
      {"two leaders in one look are two elections",
       {{Look(5000, 5002).leads("b", 9).leads("c", 10).silent("a")}},
       {0, 2, 0, 1}},
      {"known first from a follower, then from the leader: once",
       {{Look(800, 802).follows("a", "b", 8).silent("b").follows("c", "b", 8)}, {led_by(1600, "b", 8)}},
       {0, 0, 1, 0}},
      {"a late answer of an old epoch",
       {{led_by(800, "b", 8)},
        {Look(1600, 1602).leads("b", 8).follows("c", "b", 8).during(900, 1602).follows("a", "z", 6)}},
       {1, 0, 0, 0}},
  };
}

TEST(Elections, AreCountedOnceAndExplainedByWhatWasSeen) {
  for (const auto& one : etcd_cases()) {
    Story story(etcd());
    story.round({led_by(0, "a", 7)});
    for (const auto& looks : one.rounds) story.round(looks);
    EXPECT_EQ(story.elections(), one.elections) << one.name;
  }
}

TEST(Elections, TheFirstRoundSetsTheBaseEvenWhenItsMembersDisagree) {
  Story story(etcd());
  story.round({Look(0, 2).follows("a", "c", 3).follows("b", "c", 12).leads("c", 12)});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 0, 0));
  story.round({led_by(5000, "a", 13)});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 1, 0));
}

TEST(Elections, AreNotCountedAcrossLineages) {
  Story story(etcd());
  story.round({Look(0, 2).leads("a", 7).of_lineage("old")});
  story.round({Look(1000, 1002).leads("a", 900).of_lineage("new")});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 0, 0));
  story.round({Look(2000, 2002).leads("a", 901).of_lineage("new")});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 1, 0));
}

TEST(Elections, StayInTheirWindows) {
  Story story(etcd());
  story.round({led_by(0, "a", 7)});
  story.round({led_by(1000, "b", 8)});
  story.round({led_by(2000, "a", 9)});
  const auto recent = [&](std::string_view window) {
    return story.value("leader_elections_recent{window=" + std::string(window) + "}");
  };
  EXPECT_EQ(recent("1m"), 2);
  story.round({led_by(61'500, "a", 9)});
  EXPECT_EQ(recent("1m"), 1);
  EXPECT_EQ(recent("15m"), 2);
  story.round({led_by(903'000, "a", 9)});
  EXPECT_EQ(recent("15m"), 0);
  EXPECT_EQ(story.elections("planned") + story.elections("unknown"), 2) << "the totals stay";
}

// A forced Sentinel fail-over: epochs are the Sentinels', claims the data nodes' (facts/servers.md section
// 5).
TEST(Elections, SentinelsCountTheEpochsFromZero) {
  Story story(redis());
  const auto look = [](double t, std::string_view master, std::uint64_t epoch) {
    return Look(t, t + 1)
        .witnesses("s1", master, epoch)
        .witnesses("s2", master, epoch)
        .witnesses("s3", master, epoch);
  };
  story.round({look(0, "r1", 0).leads("r1", {}, "x").without_vote().follows("r2", "r1").without_vote()});
  EXPECT_EQ(story.value("leader_epoch"), 0);
  story.round({look(5000, "r2", 1).leads("r1", {}, "x").without_vote().leads("r2", {}, "y").without_vote()});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 1, 0))
      << "the old master answers: it did not fail as far as we see";
  story.round({look(10000, "r2", 1).follows("r1", "r2").without_vote().leads("r2", {}, "y").without_vote()});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 1, 0));
  story.round({look(15000, "r1", 2).leads("r1", {}, "z").without_vote().silent("r2")});
  EXPECT_THAT(story.elections(), ElementsAre(0, 1, 1, 0));
}

TEST(Elections, WithoutEpochsAreChangesOfTheSoleLeadersTenure) {
  Story story(redis());
  const auto sole = [](double t, std::string_view leader, std::string_view token) {
    Look look(t, t + 1);
    for (const std::string_view member : {"r1", "r2"}) {
      member == leader ? look.leads(member, {}, token) : look.follows(member, leader);
      look.without_vote();
    }
    return look;
  };
  story.round({sole(0, "r1", "x")});
  story.round({sole(1000, "r1", "x")});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 0, 0));
  story.round({Look(2000, 2001).leads("r1", {}, "x").leads("r2", {}, "y")});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 0, 0)) << "not while two claim";
  story.round({sole(5000, "r2", "y")});
  EXPECT_THAT(story.elections(), ElementsAre(0, 0, 1, 0));
  story.round({sole(5500, "r1", "z")});
  EXPECT_THAT(story.elections(), ElementsAre(1, 0, 1, 0)) << "faster than any failure is noticed";
  story.round({Look(9000, 9001).silent("r1").leads("r2", {}, "w")});
  EXPECT_THAT(story.elections(), ElementsAre(1, 1, 1, 0));
}

}  // namespace
}  // namespace qw::signals
