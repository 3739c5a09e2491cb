#include "probes/signals/replication.hpp"

#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

constexpr auto kNothing = std::nullopt;
const std::string kLag = "replication_lag_seconds{member=r}";
const std::string kBytes = "replication_lag_bytes{member=r}";
const std::string kLink = "replication_link_up{member=r}";
const std::string kLowerBound = "replication_lag_is_lower_bound{member=r}";

Look pair(double t, std::uint64_t leader, std::uint64_t replica, Link link = Link::up) {
  return Look(t, t + 2).stands("l", Role::leader, "x", leader).stands("r", Role::replica, "x", replica, link);
}

TEST(Replication, IsZeroWhileIdle) {
  Story story(redis());
  for (double t = 0; t < 100'000; t += 1000) {
    story.round({pair(t, 5000, 5000)});
    EXPECT_EQ(story.value(kLag), 0);
    EXPECT_EQ(story.value(kBytes), 0);
    EXPECT_EQ(story.value(kLink), 1);
    EXPECT_EQ(story.value(kLowerBound), 0);
  }
}

TEST(Replication, SaysNothingOfTheLeaderItself) {
  Story story(redis());
  story.round({pair(0, 10, 5)});
  for (const auto& [series, value] : story.values())
    EXPECT_EQ(series.find("member=l"), std::string::npos) << series;
}

TEST(Replication, DatesTheReplicasPositionInTheLeadersHistory) {
  Story story(redis());
  for (double t = 0; t <= 10'000; t += 1000) {
    story.round({pair(t, static_cast<std::uint64_t>(t), t < 4500 ? static_cast<std::uint64_t>(t) : 4500)});
  }
  EXPECT_EQ(story.value(kBytes), 5500);
  // The leader came to 4501 at 4.502 s (its readings are dated in their middle), and the replica answered
  // by 10.002 s.
  EXPECT_NEAR(*story.value(kLag), 5.5, 1e-6);
}

TEST(Replication, DoesNotGrowWhileTheLeaderStandsStillAfterAWriteThatArrived) {
  Story story(redis());
  story.round({pair(0, 100, 100)});
  story.round({pair(1000, 200, 100)});
  EXPECT_GT(*story.value(kLag), 0);
  EXPECT_LE(*story.value(kLag), 1.002);
  for (double t = 2000; t < 60'000; t += 1000) story.round({pair(t, 200, 200)});
  EXPECT_EQ(story.value(kLag), 0);
  story.round({pair(61'000, 300, 200)});
  EXPECT_LE(*story.value(kLag), 2.003)
      << "the lag began with the write, not with the hour of silence before it";
}

TEST(Replication, GrowsWhileTheLinkIsDownAlthoughThePositionsAreEqual) {
  // The formula of postgres_exporter says 0 here (facts section 0, finding 5).
  Story story(redis());
  story.round({pair(0, 5000, 5000)});
  for (double t = 1000; t < 10'000; t += 1000) {
    story.round({pair(t, 5000, 5000, Link::down)});
    EXPECT_NEAR(*story.value(kLag), (t + 3 - 2) / 1000, 1e-6);
    EXPECT_EQ(story.value(kBytes), 0);
    EXPECT_EQ(story.value(kLink), 0);
  }
  story.round({pair(11'000, 5000, 5000)});
  EXPECT_EQ(story.value(kLag), 0);
}

TEST(Replication, GrowsFromTheCutWhileTheLeaderWritesOn) {
  Story story(redis());
  for (double t = 0; t <= 5000; t += 1000)
    story.round({pair(t, static_cast<std::uint64_t>(t), static_cast<std::uint64_t>(t))});
  for (double t = 6000; t <= 60'000; t += 1000) {
    story.round({pair(t, static_cast<std::uint64_t>(t), 5000, Link::down)});
    EXPECT_NEAR(*story.value(kLag), (t - 5000) / 1000, 0.005);
    EXPECT_EQ(story.value(kBytes), t - 5000);
  }
}

TEST(Replication, GrowsWhileTheLeaderCanNotBeAskedAndHasNoBytesThen) {
  Story story(redis());
  // Always 100 bytes behind: it is never "caught up", and yet its lag must not jump when the leader goes.
  for (double t = 1000; t <= 60'000; t += 1000)
    story.round({pair(t, static_cast<std::uint64_t>(t), static_cast<std::uint64_t>(t) - 100)});
  EXPECT_NEAR(*story.value(kLag), 0.1, 1e-6);
  story.round({Look(61'000, 61'002).stands("r", Role::replica, "x", 59'900, Link::up)});
  EXPECT_NEAR(*story.value(kLag), 1.101, 1e-6);
  EXPECT_EQ(story.value(kBytes), kNothing);
  EXPECT_EQ(story.value(kLink), 1);
  story.round({Look(62'000, 62'002).stands("r", Role::replica, "x", 60'000, Link::up)});
  EXPECT_NEAR(*story.value(kLag), 2.002, 1e-6) << "it has all that we saw the leader write, until 60.001 s";
}

TEST(Replication, ALeaderThatIsCutOffLagsFromItsLastDayInOfficeNotFromTheStart) {
  Story story(etcd());
  const auto position = [](Look look, const char* member, Role role, std::uint64_t at, Link link) {
    return look.stands(member, role, "x", at, link);
  };
  for (double t = 0; t <= 60'000; t += 1000) {
    story.round({position(pair(t, 8, 8), "r", Role::leader, 8, Link::unknown)});
  }
  // `l` has succeeded it and written one entry; `r` is cut off.
  for (double t = 62'000; t < 70'000; t += 1000) {
    story.round({pair(t, 9, 8, Link::down)});
    EXPECT_NEAR(*story.value(kLag), (t - 60'000) / 1000, 0.01);
  }
}

TEST(Replication, IsAbsentWhereItWasNeverKnown) {
  Story story(redis());
  story.round({Look(0, 2).stands("r", Role::replica, "x", 100, Link::up)});
  EXPECT_EQ(story.value(kLag), kNothing);
  EXPECT_EQ(story.value(kBytes), kNothing);
  EXPECT_EQ(story.value(kLink), 1);
}

TEST(Replication, IsAbsentWhileTheReplicaIsSilent) {
  Story story(redis());
  story.round({pair(0, 100, 50)});
  story.round({Look(1000, 1002).stands("l", Role::leader, "x", 100)});
  EXPECT_EQ(story.value(kLag), kNothing);
  EXPECT_EQ(story.value(kLink), kNothing);
}

TEST(Replication, IsALowerBoundWhenItBeganBeforeTheHistory) {
  Story story(redis());
  story.round({pair(0, 1000, 10)});
  EXPECT_EQ(story.value(kLowerBound), 1);
  EXPECT_EQ(story.value(kBytes), 990);
  story.round({pair(5000, 1000, 10)});
  EXPECT_EQ(story.value(kLowerBound), 1);
  EXPECT_NEAR(*story.value(kLag), 4.998, 1e-6) << "from the first answer to the last question";
  story.round({pair(10'000, 1000, 1000)});
  EXPECT_EQ(story.value(kLag), 0);
  EXPECT_EQ(story.value(kLowerBound), 0);
}

TEST(Replication, ALinkThatWasDownFromTheStartIsNeverZeroEither) {
  Story story(redis());
  story.round({pair(0, 1000, 1000, Link::down)});
  EXPECT_GT(*story.value(kLag), 0);
  EXPECT_EQ(story.value(kLowerBound), 1);
  story.round({pair(5000, 1000, 1000, Link::down)});
  EXPECT_NEAR(*story.value(kLag), 5.001, 1e-6);
  EXPECT_EQ(story.value(kLowerBound), 1);
}

TEST(Replication, TheLowerBoundIsFromWhenItWasKnownBehindAndNotFromWhenItWasFirstSeen) {
  Story story(redis());
  // For a minute there is no leader to compare with, and nothing says that the replica was behind.
  for (double t = 0; t < 60'000; t += 1000)
    story.round({Look(t, t + 2).stands("r", Role::replica, "x", 10, Link::up)});
  story.round({pair(60'000, 1000, 10)});
  story.round({Look(65'000, 65'002).stands("r", Role::replica, "x", 10, Link::up)});
  EXPECT_EQ(story.value(kLowerBound), 1);
  EXPECT_NEAR(*story.value(kLag), 5.001, 1e-6);
  story.round({pair(70'000, 1000, 10, Link::down)});
  EXPECT_EQ(story.value(kLowerBound), 1);
  EXPECT_NEAR(*story.value(kLag), 10.001, 1e-6);
}

TEST(Replication, ALinkThatMayHaveBeenUpMeanwhileBoundsNothing) {
  Story story(redis());
  story.round({pair(0, 1000, 1000, Link::down)});
  for (double t = 1000; t < 60'000; t += 1000)
    story.round({Look(t, t + 2).stands("l", Role::leader, "x", 1000)});
  story.round({pair(60'000, 1000, 1000, Link::down)});
  EXPECT_NEAR(*story.value(kLag), 0.001, 1e-6);
  EXPECT_EQ(story.value(kLowerBound), 1);
}

TEST(Replication, AMemberThatComesBackCutOffIsBehindFromWhatItHasAndNotFromWhenItWasLastHeard) {
  Story story(redis());
  const auto written = [](double t) { return static_cast<std::uint64_t>(t); };
  for (double t = 1000; t < 10'000; t += 1000) story.round({pair(t, written(t), written(t))});
  // For an hour we can not reach it; the leader can.
  for (double t = 10'000; t < 3'610'000; t += 1000)
    story.round({Look(t, t + 2).stands("l", Role::leader, "x", written(t))});
  story.round({pair(3'610'000, 3'610'000, 3'608'500, Link::down)});
  EXPECT_LE(*story.value(kLag), 1.503);
  EXPECT_GE(*story.value(kLag), 1.5);
  EXPECT_EQ(story.value(kLowerBound), 0);
}

// As etcd was seen: an idle cluster whose leader is killed, and which elects another one.
TEST(Replication, ALeaderThatWasKilledIsBehindFromItsSuccessorsFirstEntry) {
  Story story(etcd());
  const auto look = [](double t, std::string_view leader, std::uint64_t position, std::uint64_t dead) {
    Look look(t, t + 2);
    look.stands(leader, Role::leader, "c", position, Link::up).in_entries();
    look.reports(leader, "dead", Role::replica, "c", dead).in_entries();
    return look;
  };
  for (double t = 0; t <= 22'000; t += 1000)
    story.round({Look(t, t + 2).stands("dead", Role::leader, "c", 9, Link::up).in_entries()});
  for (double t = 23'000; t <= 24'000; t += 1000)
    story.round({Look(t, t + 2).stands("b", Role::replica, "c", 9, Link::down).in_entries()});
  for (double t = 25'000; t <= 72'000; t += 1000) {
    story.round({look(t, "b", 12, 9)});
    const double outage = (t - 22'000) / 1000, reign = (t - 25'000) / 1000;
    EXPECT_EQ(story.value("replication_lag_entries{member=dead}"), 3);
    EXPECT_EQ(story.value("replication_lag_is_lower_bound{member=dead}"), 1);
    EXPECT_LE(*story.value("replication_lag_seconds{member=dead}"), outage);
    EXPECT_NEAR(*story.value("replication_lag_seconds{member=dead}"), reign, 0.003)
        << "nobody saw in which of three seconds it was written";
  }
}

TEST(Replication, PrefersWhatTheReplicaSaysOfItself) {
  Story story(redis());
  story.round({pair(0, 100, 90, Link::up).reports("l", "r", Role::replica, "x", 40, Link::down)});
  EXPECT_EQ(story.value(kBytes), 10);
  EXPECT_EQ(story.value(kLink), 1);
  story.round({Look(1000, 1002)
                   .stands("l", Role::leader, "x", 100)
                   .reports("l", "r", Role::replica, "x", 40, Link::down)});
  EXPECT_EQ(story.value(kBytes), 60);
  EXPECT_EQ(story.value(kLink), 0);
}

TEST(Replication, CountsInEntriesWhereTheSystemDoes) {
  Story story(etcd());
  story.round({Look(0, 2)
                   .stands("l", Role::leader, "c", 10)
                   .in_entries()
                   .stands("r", Role::replica, "c", 7)
                   .in_entries()});
  EXPECT_EQ(story.value("replication_lag_entries{member=r}"), 3);
  EXPECT_EQ(story.value(kBytes), kNothing);
  EXPECT_EQ(story.value(kLink), kNothing);
}

TEST(Replication, ADeposedLeaderOfTheSameLineageDoesNotTurnTheHistoryBack) {
  Story story(etcd());
  for (double t = 0; t < 20'000; t += 1000) {
    const auto position = static_cast<std::uint64_t>(t);
    story.round({Look(t, t + 2)
                     .stands("l", Role::leader, "c", 1000 + position)
                     .stands("old", Role::leader, "c", 1000)
                     .stands("r", Role::replica, "c", 1000 + position)});
    EXPECT_EQ(story.value(kLag), 0);
    EXPECT_EQ(story.value(kBytes), 0);
  }
}

TEST(Replication, ComparesNothingAcrossLineages) {
  Story story(redis());
  story.round(
      {Look(0, 2).stands("l", Role::leader, "x", 1000).stands("r", Role::replica, "q", 10, Link::up)});
  EXPECT_EQ(story.value(kLag), kNothing);
  EXPECT_EQ(story.value(kBytes), kNothing);
}

TEST(Replication, FollowsALineageThroughTheForkOfItsSuccessor) {
  Story story(redis());
  for (double t = 0; t <= 5000; t += 1000)
    story.round({pair(t, static_cast<std::uint64_t>(t), static_cast<std::uint64_t>(t) / 2)});
  const auto promoted = [](double t, std::uint64_t position, std::uint64_t replica) {
    return Look(t, t + 2)
        .stands("n", Role::leader, "y", position)
        .forked("x", 4000)
        .stands("r", Role::replica, "x", replica, Link::up);
  };
  story.round({promoted(6000, 4100, 2500)});
  EXPECT_EQ(story.value(kBytes), 1600);
  EXPECT_NEAR(*story.value(kLag), 6.002 - 2.502, 1e-6) << "dated in the part of the history that both share";
  story.round({promoted(7000, 4100, 4500)});
  EXPECT_EQ(story.value(kBytes), kNothing) << "beyond the fork it has what the new leader never had";
  EXPECT_EQ(story.value(kLag), kNothing);
}

TEST(Replication, DivergesByWhatLiesBeyondTheFork) {
  Replication replication;
  replication.begin();
  Facts facts = Look(0, 2)
                    .stands("old", Role::leader, "x", 202)
                    .stands("new", Role::leader, "y", 900)
                    .forked("x", 148)
                    .stands("r", Role::replica, "x", 100)
                    .facts();
  replication.observe(facts);
  EXPECT_EQ(replication.diverged("old", "new"), 54);
  EXPECT_EQ(replication.diverged("r", "new"), 0);
  EXPECT_EQ(replication.diverged("new", "old"), kNothing);
  EXPECT_EQ(replication.diverged("old", "r"), kNothing) << "one lineage: behind is not apart";
  EXPECT_EQ(replication.diverged("old", "unheard of"), kNothing);
}

TEST(Replication, TrafficOfTheSystemItselfBeyondTheForkIsNothingLost) {
  Replication replication;
  replication.begin();
  Facts facts = Look(0, 2)
                    .stands("old", Role::leader, "x", 202)
                    .stands("new", Role::leader, "y", 900)
                    .forked("x", 148)
                    .facts();
  facts.positions[0].data_until = 148;
  replication.observe(facts);
  EXPECT_EQ(replication.diverged("old", "new"), 0);
  facts.positions[0].data_until = 150;
  replication.observe(facts);
  EXPECT_EQ(replication.diverged("old", "new"), 2);
}

TEST(Replication, TakesUpAPositionThatWentBack) {
  Story story(redis());
  story.round({pair(0, 1'000'000, 1'000'000)});
  story.round({pair(1000, 10, 10)});  // restored from a backup
  EXPECT_EQ(story.value(kLag), 0);
  story.round({pair(2000, 30, 10)});
  EXPECT_EQ(story.value(kBytes), 20);
  EXPECT_LE(*story.value(kLag), 1.002);
}

}  // namespace
}  // namespace qw::signals
