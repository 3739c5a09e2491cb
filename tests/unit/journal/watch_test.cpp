#include "daemon/journal/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/unit/journal/rounds.hpp"

namespace qw::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// A cluster of three that is well.
Rounds& well(Rounds& rounds, std::string_view leader = "a:1", double epoch = 7) {
  for (const std::string_view member : {"a:1", "b:1", "c:1"})
    rounds.say("leader_claim", member == leader ? 1 : 0, {{"member", member}});
  rounds.say("leaders", 1).say("leader_epoch", epoch).say("leader_views", 1).say("leader_absent_seconds", 0);
  for (const std::string_view kind : {"fenced", "unfenced", "identity"})
    rounds.say("split_brain", 0, {{"kind", kind}});
  return rounds.say("quorum_members", 3).say("quorum_failures_tolerated", 1);
}
Rounds& elections(Rounds& rounds, double planned, double unplanned, double failed = 0, double unknown = 0) {
  rounds.say("leader_elections_total", planned, {{"cause", "planned"}});
  rounds.say("leader_elections_total", unplanned, {{"cause", "unplanned"}});
  rounds.say("leader_elections_total", unknown, {{"cause", "unknown"}});
  return rounds.say("leader_elections_total", failed, {{"cause", "failed"}});
}

TEST(Watch, AFirstRoundHasConditionsAndNothingThatHappened) {
  Watch watch;
  Rounds rounds;
  elections(well(rounds), 5, 3, 1).say("leader_epoch_regressions_total", 2);
  EXPECT_THAT(watch.on_round(rounds.good(0)), IsEmpty());
  Rounds other("etcd", "two");
  elections(other, 5, 3).say("leader_absent_seconds", 12);
  EXPECT_THAT(words(watch.on_round(other.good(0))), ElementsAre("began no_leader"));
  ASSERT_EQ(watch.conditions().size(), 1U);
  EXPECT_EQ(watch.conditions()[0].since, wall(0));
}

TEST(Watch, AnElectionIsToldWithItsCauseItsEpochAndWhoLeadsNow) {
  Watch watch;
  Rounds rounds;
  elections(well(rounds), 0, 0);
  watch.on_round(rounds.good(0));
  elections(well(rounds, "b:1", 8), 1, 0);
  auto events = watch.on_round(rounds.good(1));
  ASSERT_THAT(words(events), ElementsAre("happened planned b:1"));
  EXPECT_EQ(events[0].text, "leads now, after a planned election, epoch 8; a:1 led before");
  EXPECT_EQ(events[0].severity, Severity::info);
  EXPECT_EQ(events[0].at, wall(1));
  EXPECT_THAT(events[0].evidence, testing::Contains(std::pair("quorumwatch_leader_epoch", "8")));
  elections(well(rounds, "c:1", 12), 1, 3, 1);
  events = watch.on_round(rounds.good(2));
  ASSERT_THAT(words(events), ElementsAre("happened unplanned c:1", "happened failed"));
  EXPECT_EQ(events[0].text, "leads now, after 3 unplanned elections, epoch 12; b:1 led before");
  EXPECT_EQ(events[0].severity, Severity::warning);
  EXPECT_EQ(events[1].text, "1 epoch passed in which nobody was seen to lead");
}

TEST(Watch, CountersThatBeginAnewGiveNoFalseEvents) {
  Watch watch;
  Rounds rounds;
  elections(well(rounds), 4, 4);
  watch.on_round(rounds.good(0));
  elections(well(rounds), 0, 1);
  EXPECT_THAT(watch.on_round(rounds.good(1)), IsEmpty()) << "they fell";
  elections(well(rounds), 0, 2);
  EXPECT_THAT(words(watch.on_round(rounds.good(2))), ElementsAre("happened unplanned a:1"));
  rounds.restart();
  elections(well(rounds), 9, 9);
  EXPECT_THAT(watch.on_round(rounds.good(3)), IsEmpty()) << "the target was made anew";
}

TEST(Watch, WhatHappensWhileTheTargetIsSilentIsToldWhenItAnswers) {
  Watch watch;
  Rounds rounds;
  elections(well(rounds), 0, 0);
  watch.on_round(rounds.good(0));
  watch.on_round(rounds.failed(1));
  elections(well(rounds, "b:1", 8), 0, 1);
  EXPECT_THAT(words(watch.on_round(rounds.good(2))), ElementsAre("ended silent", "happened unplanned b:1"));
}

TEST(Watch, AnAbsentLeaderBecomesCriticalAndEnds) {
  Watch watch;
  Rounds rounds;
  elections(well(rounds), 0, 0);
  watch.on_round(rounds.good(0));
  rounds.say("leader_absent_seconds", 3);
  auto events = watch.on_round(rounds.good(1));
  ASSERT_THAT(words(events), ElementsAre("began no_leader"));
  EXPECT_THAT(events[0].text, HasSubstr("last was a:1"));
  EXPECT_EQ(events[0].severity, Severity::warning);
  rounds.say("leader_absent_seconds", 10);
  EXPECT_THAT(watch.on_round(rounds.good(8)), IsEmpty()) << "it goes on";
  rounds.say("leader_absent_seconds", 46);
  events = watch.on_round(rounds.good(44));
  ASSERT_THAT(words(events), ElementsAre("happened no_leader"));
  EXPECT_EQ(events[0].severity, Severity::critical);
  EXPECT_EQ(watch.conditions()[0].since, wall(1));
  elections(well(rounds, "b:1", 8), 0, 0);
  events = watch.on_round(rounds.good(50));
  ASSERT_THAT(words(events), ElementsAre("ended no_leader"));
  EXPECT_THAT(events[0].evidence, testing::Contains(std::pair("lasted_seconds", "49")));
  EXPECT_THAT(watch.conditions(), IsEmpty());
}

TEST(Watch, ASplitBrainHasItsBoundsAndItsBytesAsEvidence) {
  Watch watch;
  Rounds rounds("redis", "sessions");
  watch.on_round(well(rounds).good(0));
  for (const std::string_view member : {"a:1", "b:1"}) rounds.say("leader_claim", 1, {{"member", member}});
  rounds.say("split_brain", 1, {{"kind", "unfenced"}}).say("split_brain", 0, {{"kind", "fenced"}});
  rounds.say("split_brain_overlap_seconds", 2, {{"bound", "lower"}});
  rounds.say("split_brain_overlap_seconds", 3.5, {{"bound", "upper"}});
  rounds.say("split_brain_diverged_bytes", 48213).say("leader_views", 2).say("quorum_members", 3);
  rounds.say("quorum_failures_tolerated", -1);
  const auto events = watch.on_round(rounds.good(1));
  EXPECT_THAT(words(events), ElementsAre("began views_disagree", "began unfenced", "began lost"))
      << "in the order of kinds";
  const auto& split = events[1];
  EXPECT_EQ(split.severity, Severity::critical);
  EXPECT_THAT(split.text, HasSubstr("a:1 and b:1 lead at the same instant, and each takes writes"));
  EXPECT_THAT(split.text, HasSubstr("48213 bytes"));
  EXPECT_THAT(split.evidence,
              testing::IsSupersetOf({std::pair("quorumwatch_leader_claim", "a:1"),
                                     std::pair("quorumwatch_split_brain_diverged_bytes", "48213")}));
  EXPECT_THAT(events[2].text, HasSubstr("1 of 3 voters is alive"));
  EXPECT_EQ(watch.conditions().front().severity, Severity::critical);
  // What nobody says any more is not over.
  well(rounds, "b:1", 8);
  EXPECT_THAT(words(watch.on_round(rounds.good(2))),
              UnorderedElementsAre("ended views_disagree", "ended unfenced", "ended lost"));
}

TEST(Watch, TwoVotersTolerateNothingByDesign) {
  Watch watch;
  Rounds rounds;
  rounds.say("quorum_members", 2).say("quorum_failures_tolerated", 0);
  EXPECT_THAT(watch.on_round(rounds.good(0)), IsEmpty());
  rounds.say("quorum_members", 3).say("quorum_failures_tolerated", 0);
  EXPECT_THAT(words(watch.on_round(rounds.good(1))), ElementsAre("began at_risk"));
}

TEST(Watch, AFailedRoundIsOneConditionAndMakesTheOthersUnknown) {
  Watch watch;
  Rounds rounds;
  rounds.say("leader_absent_seconds", 3).silent("b:1");
  EXPECT_THAT(words(watch.on_round(rounds.good(0))),
              ElementsAre("began member_silent b:1", "began no_leader"));
  auto events = watch.on_round(rounds.failed(1, "etcd one: <b>no</b> route\n"));
  ASSERT_THAT(words(events), ElementsAre("began silent"));
  EXPECT_EQ(events[0].text, "nobody answers: etcd one: <b>no</b> route ");
  EXPECT_THAT(watch.on_round(rounds.failed(2, "another reason")), IsEmpty());
  const auto conditions = watch.conditions();
  ASSERT_EQ(conditions.size(), 3U);
  EXPECT_EQ(conditions[0].what, "silent");
  EXPECT_FALSE(conditions[0].unknown_since);
  EXPECT_THAT(conditions[0].text, HasSubstr("another reason"));
  EXPECT_EQ(conditions[1].unknown_since, wall(1));
  EXPECT_EQ(conditions[2].unknown_since, wall(1));
  rounds.say("leader_absent_seconds", 5);
  EXPECT_THAT(words(watch.on_round(rounds.good(3))), ElementsAre("ended silent", "ended member_silent b:1"));
  ASSERT_EQ(watch.conditions().size(), 1U);
  EXPECT_FALSE(watch.conditions()[0].unknown_since);
  EXPECT_EQ(watch.conditions()[0].since, wall(0));
}

TEST(Watch, WhatNobodySpeaksOfIsUnknownAndGivenUpInTheEnd) {
  Watch watch;
  Rounds rounds("redis", "one");
  rounds.say("replication_link_up", 0, {{"member", "gone:1"}});
  watch.on_round(rounds.good(0));
  EXPECT_THAT(watch.on_round(rounds.good(1)), IsEmpty());
  EXPECT_EQ(watch.conditions().at(0).unknown_since, wall(1));
  EXPECT_THAT(watch.on_round(rounds.good(800)), IsEmpty());
  const auto events = watch.on_round(rounds.good(901));
  ASSERT_THAT(words(events), ElementsAre("ended link_down gone:1"));
  EXPECT_THAT(events[0].text, HasSubstr("how it ended nobody knows"));
}

TEST(Watch, WhatWasWrongWithAMemberIsOverWhenItIsNoneAnyMore) {
  Watch watch;
  Rounds rounds("redis", "one");
  rounds.silent("a:1").silent("b:1").say("replication_link_up", 0, {{"member", "a:1"}});
  ASSERT_EQ(watch.on_round(rounds.good(0)).size(), 3U);
  const std::vector<std::string> gone{"a:1", "never:1"};
  const auto events = watch.forget_members({.system = "redis", .name = "one"}, gone, wall(1));
  EXPECT_THAT(words(events), UnorderedElementsAre("ended member_silent a:1", "ended link_down a:1"));
  EXPECT_EQ(events.at(0).text, "it is no longer a member");
  rounds.silent("b:1");
  EXPECT_THAT(watch.on_round(rounds.good(2)), IsEmpty());
  EXPECT_EQ(watch.conditions().size(), 1U);
  EXPECT_THAT(watch.forget_members({.system = "redis", .name = "other"}, gone, wall(1)), IsEmpty());
}

TEST(Watch, ReplicasLoseTheirLinkAndFallBehind) {
  Watch watch;
  Rounds rounds("redis", "one");
  const Samples::Label b{"member", "b:1"};
  rounds.say("replication_link_up", 1, {b}).say("replication_lag_seconds", 0, {b});
  EXPECT_THAT(watch.on_round(rounds.good(0)), IsEmpty());
  rounds.say("replication_link_up", 0, {b}).say("replication_lag_seconds", 31, {b});
  EXPECT_THAT(words(watch.on_round(rounds.good(1))), ElementsAre("began link_down b:1", "began lag b:1"));
  rounds.say("replication_link_up", 1, {b}).say("replication_lag_seconds", 29, {b});
  EXPECT_THAT(words(watch.on_round(rounds.good(2))), ElementsAre("ended link_down b:1"))
      << "still catching up";
  rounds.say("replication_link_up", 1, {b}).say("replication_lag_seconds", 601, {b});
  EXPECT_THAT(words(watch.on_round(rounds.good(3))), ElementsAre("happened lag b:1"));
  EXPECT_EQ(watch.conditions().at(0).severity, Severity::critical);
  rounds.say("replication_link_up", 1, {b}).say("replication_lag_seconds", 0, {b});
  EXPECT_THAT(words(watch.on_round(rounds.good(4))), ElementsAre("ended lag b:1"));
}

TEST(Watch, AReplicaThatBecomesTheLeaderHasNoLinkToLose) {
  Watch watch;
  Rounds rounds("redis", "one");
  const Samples::Label b{"member", "b:1"};
  rounds.say("replication_link_up", 0, {b}).say("replication_lag_seconds", 31, {b});
  watch.on_round(rounds.good(0));
  well(rounds, "b:1");
  EXPECT_THAT(words(watch.on_round(rounds.good(1))),
              UnorderedElementsAre("ended link_down b:1", "ended lag b:1"));
  EXPECT_THAT(watch.conditions(), IsEmpty());
}

void consumer(Rounds& rounds, std::string_view status, double lost = 0) {
  const Samples::Label group{"consumer_group", "billing"}, topic{"topic", "orders"};
  for (const std::string_view one : {"ok", "stopped", "stalled", "unknown"})
    rounds.say("consumer_status", one == status ? 1 : 0, {group, topic, {"status", one}});
  rounds.say("consumer_lag_messages", status == "ok" ? 0 : 8705, {group, topic});
  rounds.say("consumer_lost_messages_total", lost, {group, topic});
  rounds.say("consumer_members", status == "stopped" ? 0 : 2, {group});
}

TEST(Watch, AConsumersStatusBeginsChangesAndEnds) {
  Watch watch;
  Rounds rounds("kafka", "events");
  consumer(rounds, "ok");
  EXPECT_THAT(watch.on_round(rounds.good(0)), IsEmpty());
  consumer(rounds, "stopped");
  auto events = watch.on_round(rounds.good(1));
  ASSERT_THAT(words(events), ElementsAre("began stopped billing on orders"));
  EXPECT_EQ(events[0].text, "stopped; nobody is in the group, and 8705 messages wait");
  consumer(rounds, "unknown");
  EXPECT_THAT(watch.on_round(rounds.good(2)), IsEmpty());
  EXPECT_TRUE(watch.conditions().at(0).unknown_since) << "neither wrong nor over";
  consumer(rounds, "stalled");
  events = watch.on_round(rounds.good(3));
  ASSERT_THAT(words(events),
              ElementsAre("ended stopped billing on orders", "began stalled billing on orders"));
  EXPECT_THAT(events[0].text, HasSubstr("now it is stalled"));
  consumer(rounds, "ok", 4);
  EXPECT_THAT(words(watch.on_round(rounds.good(4))),
              ElementsAre("ended stalled billing on orders", "happened messages_lost billing on orders"));
  EXPECT_THAT(watch.conditions(), IsEmpty());
}

TEST(Watch, RebalancesAreCounted) {
  Watch watch;
  Rounds rounds("kafka", "events");
  for (int i = 0; i < 3; ++i) {
    rounds.say("consumer_rebalances_total", i * 2, {{"consumer_group", "billing"}});
    const auto events = watch.on_round(rounds.good(i));
    EXPECT_EQ(events.size(), i == 0 ? 0U : 1U);
    if (i == 2) {
      EXPECT_THAT(events[0].text, HasSubstr("2 times"));
    }
  }
}

TEST(Watch, ALossHasItsDirectionWhereThatIsKnown) {
  Watch watch;
  Rounds rounds("nodes", "mesh");
  const auto wire = [&](double any, double forward, double slow, bool answers = true) {
    const Samples::Label member{"member", "10.0.0.2"}, method{"method", "stamp"};
    if (answers) rounds.say("rtt_seconds", 0.001, {member, method});
    rounds.say("rtt_loss_samples", 300, {member, method}).say("rtt_loss_ratio", 0.05, {member, method});
    rounds.say("rtt_loss_confirmed", any, {member, method, {"direction", "any"}});
    rounds.say("rtt_loss_confirmed", forward, {member, method, {"direction", "forward"}});
    rounds.say("rtt_loss_confirmed", 0, {member, method, {"direction", "backward"}});
    rounds.say("rtt_slow", slow, {member, method, {"part", "wire"}});
    rounds.say("rtt_slow", slow, {member, method, {"part", "self"}});
  };
  wire(0, 0, 0);
  EXPECT_THAT(watch.on_round(rounds.good(0)), IsEmpty());
  wire(1, 0, 0);
  EXPECT_THAT(words(watch.on_round(rounds.good(1))), ElementsAre("began loss 10.0.0.2 by stamp"));
  wire(1, 1, 1);
  EXPECT_THAT(words(watch.on_round(rounds.good(2))),
              ElementsAre("ended loss 10.0.0.2 by stamp", "began loss_forward 10.0.0.2 by stamp"));
  EXPECT_EQ(watch.conditions().size(), 3U) << "slow at once; whether it matters is seen later";
  wire(1, 1, 0, false);
  EXPECT_THAT(words(watch.on_round(rounds.good(3))), ElementsAre("began no_answer 10.0.0.2 by stamp"));
}

/// Rounds one second after the other in which we send late, or do not.
class Late {
 public:
  std::vector<std::string> look(bool late) {
    rounds_.say("rtt_slow", late ? 1 : 0, {{"member", "b"}, {"method", "stamp"}, {"part", "self"}});
    last_ = watch.on_round(rounds_.good(second_++));
    return words(last_);
  }
  const std::vector<Event>& last() const { return last_; }
  Watch watch;

 private:
  Rounds rounds_{"nodes", "mesh"};
  int second_ = 0;
  std::vector<Event> last_;
};

TEST(Watch, SaysHowLongAPeerHoldsPackets) {
  Watch watch;
  Rounds rounds("nodes", "mesh");
  const Samples::Label member{"member", "b"}, method{"method", "stamp"};
  rounds.say("rtt_slow", 1, {member, method, {"part", "peer"}})
      .say("rtt_peer_held_seconds", 0.045, {member, method});
  rounds.say("rtt_seconds", 0.0011, {member, method});
  watch.on_round(rounds.good(0));
  ASSERT_EQ(watch.conditions().size(), 1U);
  EXPECT_EQ(watch.conditions()[0].text,
            "the peer holds packets for 45 ms: it is short of CPU: the round trip takes 1.1 ms");
  rounds.say("rtt_slow", 1, {member, method, {"part", "peer"}})
      .say("rtt_peer_held_seconds", 0.000033, {member, method});
  watch.on_round(rounds.good(1));
  EXPECT_EQ(watch.conditions()[0].text, "the peer holds packets: it is short of CPU") << "some, not most";
}

TEST(Watch, WhatFlickersForAMomentIsNoEventAndIsGoneAtOnce) {
  Late late;
  for (int second = 0; second < 200; ++second) {
    // Up to 9 s at a time, and every time longer apart than it matters.
    const bool now = second % 40 < 9;
    EXPECT_THAT(late.look(now), IsEmpty()) << second;
    const auto conditions = late.watch.conditions();
    EXPECT_EQ(conditions.size(), now ? 1U : 0U) << second;
    EXPECT_TRUE(conditions.empty() || !conditions[0].told);
  }
}

TEST(Watch, WhatAnEarlierRunToldOfWhatFlickersIsNotToldAgain) {
  Late late;
  EXPECT_THAT(late.look(true), IsEmpty());
  Event began;
  began.at = wall(-100);
  began.kind = Kind::round_trip;
  began.change = Change::began;
  began.target = {.system = "nodes", .name = "mesh"};
  began.what = "slow_self";
  late.watch.restore(std::span(&began, 1), wall(0));
  for (int second = 1; second < 30; ++second) EXPECT_THAT(late.look(true), IsEmpty()) << second;
  ASSERT_EQ(late.watch.conditions().size(), 1U);
  EXPECT_EQ(late.watch.conditions()[0].since, wall(-100));
  EXPECT_TRUE(late.watch.conditions()[0].told);
}

TEST(Watch, WhatFlickersForLongIsOneEventWithItsTrueBeginningAndItsTrueEnd) {
  Late late;
  for (int second = 0; second < 10; ++second) EXPECT_THAT(late.look(second % 3 == 0), IsEmpty()) << second;
  EXPECT_THAT(late.look(false), IsEmpty());
  EXPECT_THAT(late.watch.conditions(), IsEmpty()) << "a round must show it for it to matter";
  EXPECT_THAT(late.look(false), IsEmpty());
  ASSERT_THAT(late.look(true), ElementsAre("began slow_self"));
  EXPECT_EQ(late.last()[0].at, wall(0));
  // From the 13th second on it comes and goes every third second.
  for (int second = 13; second < 60; ++second) {
    EXPECT_THAT(late.look(second % 3 == 0), IsEmpty()) << second;
    ASSERT_EQ(late.watch.conditions().size(), 1U) << second;
    EXPECT_EQ(late.watch.conditions()[0].text.ends_with("; not just now"), second % 3 != 0);
  }
  for (int second = 60; second < 68; ++second) EXPECT_THAT(late.look(false), IsEmpty()) << second;
  ASSERT_THAT(late.look(false), ElementsAre("ended slow_self"));
  EXPECT_EQ(late.last()[0].at, wall(58)) << "when it was not shown any more";
  EXPECT_THAT(late.watch.conditions(), IsEmpty());
}

TEST(Watch, ClocksAreProvedSkewedAndSet) {
  Watch watch;
  Rounds rounds("clocks", "ntp");
  const auto clock = [&](double offset, bool skewed, double steps) {
    const Samples::Label member{"member", "ntp://a"};
    rounds.say("clock_offset_seconds", offset, {member, {"source", "all"}});
    rounds.say("clock_bound_seconds", 0.001, {member, {"source", "all"}});
    rounds.say("clock_limit_seconds", 0.1, {{"profile", "default"}, {"severity", "critical"}});
    rounds.say("clock_state", skewed ? 1 : 0, {member, {"state", "proved_skewed"}});
    rounds.say("clock_state", skewed ? 0 : 1, {member, {"state", "proved_in_sync"}});
    rounds.say("clock_steps_total", steps, {member, {"direction", "forward"}});
    rounds.say("clock_own_steps_total", steps, {{"direction", "forward"}});
  };
  clock(0, false, 0);
  EXPECT_THAT(watch.on_round(rounds.good(0)), IsEmpty());
  clock(2.5, true, 1);
  const auto events = watch.on_round(rounds.good(1));
  ASSERT_THAT(words(events), UnorderedElementsAre("began skewed ntp://a", "happened own_step forward",
                                                  "happened step ntp://a"));
  EXPECT_THAT(events.back().text, HasSubstr("its offset moved by 2.5 s"));
  // The same step of our own clock, as another target tells of it.
  Rounds other("host", "here");
  other.say("clock_own_steps_total", 0, {{"direction", "forward"}});
  watch.on_round(other.good(0));
  other.say("clock_own_steps_total", 1, {{"direction", "forward"}});
  EXPECT_THAT(watch.on_round(other.good(2)), IsEmpty());
  other.say("clock_own_steps_total", 2, {{"direction", "forward"}});
  EXPECT_THAT(words(watch.on_round(other.good(3))), ElementsAre("happened own_step forward"));
}

TEST(Watch, WhatSystemsSayOfThemselvesIsToldToo) {
  Watch watch;
  Rounds rounds("postgres", "orders");
  rounds.say("postgres_synchronous_standbys", 0, {{"member", "a:5432"}});
  rounds.say("alarm_active", 1, {{"member", "a:1"}, {"alarm", "NOSPACE"}});
  EXPECT_THAT(words(watch.on_round(rounds.good(0))),
              ElementsAre("began alarm a:1 NOSPACE", "began commits_hang a:5432"));
  rounds.say("postgres_synchronous_standbys", 1, {{"member", "a:5432"}});
  rounds.say("alarm_active", 0, {{"member", "a:1"}, {"alarm", "NOSPACE"}});
  EXPECT_EQ(watch.on_round(rounds.good(1)).size(), 2U);
}

TEST(Watch, IsBoundedForOneRoundAndForOneTarget) {
  Watch watch;
  Rounds rounds;
  for (int i = 0; i < 1000; ++i)
    rounds.silent(fmt::format("member-{:04}:1", i), std::string(1'000'000, '\xff'));
  const auto events = watch.on_round(rounds.good(0));
  EXPECT_EQ(events.size(), Watch::kMostEvents);
  EXPECT_LT(events[0].text.size(), 2000U);
  EXPECT_EQ(watch.conditions().size(), Watch::kMostConditions);
  EXPECT_GE(watch.left_out(), 1000U - Watch::kMostConditions);
  const auto ends = watch.on_round(rounds.good(1));
  EXPECT_THAT(ends, testing::Each(testing::Field(&Event::change, Change::ended)));
  EXPECT_EQ(ends.size(), Watch::kMostEvents) << "what was not told to begin is not told to end";
  EXPECT_THAT(watch.conditions(), IsEmpty());
}

TEST(Watch, WhatFlapsForHoursDoesNotFillTheJournal) {
  Watch watch;
  Rounds rounds;
  std::size_t began = 0, ended = 0;
  for (int i = 0; i < 3600; ++i) {
    if (i % 2 == 0) rounds.silent("b:1");
    for (const auto& event : watch.on_round(rounds.good(i))) {
      began += event.change == Change::began ? 1 : 0;
      ended += event.change == Change::ended ? 1 : 0;
    }
  }
  EXPECT_EQ(began, ended);
  EXPECT_GE(began, 60U);
  EXPECT_LE(began, 12U + 60U + 1U);
}

TEST(Watch, AnEarlierRunsConditionsGoOnWhereTheyBegan) {
  Watch before;
  Rounds rounds;
  rounds.say("leader_absent_seconds", 3).silent("b:1");
  const auto open = before.on_round(rounds.good(0));
  Watch watch;
  Rounds again;
  again.silent("b:1");
  ASSERT_EQ(watch.on_round(again.good(100)).size(), 1U) << "a round before the journal is read";
  watch.restore(open, wall(50));
  auto conditions = watch.conditions();
  ASSERT_EQ(conditions.size(), 2U);
  for (const auto& one : conditions) {
    EXPECT_EQ(one.since, wall(0)) << one.what;
    EXPECT_EQ(one.unknown_since.has_value(), one.what == "no_leader");
  }
  well(again);
  const auto events = watch.on_round(again.good(101));
  EXPECT_THAT(words(events), ElementsAre("ended member_silent b:1", "ended no_leader"));
  EXPECT_THAT(events[1].evidence, testing::Contains(std::pair("lasted_seconds", "101")));
}

TEST(Watch, AForgottenTargetHasNoConditions) {
  Watch watch;
  Rounds rounds;
  watch.on_round(rounds.failed(0));
  watch.forget({.system = "etcd", .name = "one"});
  EXPECT_THAT(watch.conditions(), IsEmpty());
}

}  // namespace
}  // namespace qw::journal
