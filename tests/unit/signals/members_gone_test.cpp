#include <gtest/gtest.h>

#include "tests/unit/signals/story.hpp"

/// Members that leave the list: what is known of the others stays, and nobody hears of these again.
namespace qw::signals {
namespace {

ClockReading clock_of(std::string member, double sent) {
  ClockReading reading;
  reading.member = std::move(member);
  reading.source = "ntp";
  reading.asked = asked(sent, sent + 2);
  reading.local_sent = WallTime(std::chrono::hours(500'000)) + (reading.asked.sent - at(0));
  reading.local_received = WallTime(std::chrono::hours(500'000)) + (reading.asked.received - at(0));
  reading.remote = reading.local_sent;
  reading.resolution = Nanoseconds(1);
  return reading;
}

bool speaks_of(const Story& story, const std::string& member) {
  return std::ranges::any_of(story.values(), [&](const auto& one) {
    return one.first.contains("member=" + member + "}") || one.first.contains("member=" + member + ",");
  });
}

TEST(MembersGone, ElectionsGoOnAndAReignThatNobodyWatchesIsNoSplitBrain) {
  Story story(redis());
  // Two that take writes, each proven while the other one did.
  for (double now = 0; now <= 20'000; now += 1000) {
    story.round({Look(now, now + 2).leads("a", {}, "t1").leads("b", {}, "t2"),
                 Look(now + 10, now + 12).leads("a", {}, "t1"),
                 Look(now + 20, now + 22).leads("b", {}, "t2")});
  }
  ASSERT_EQ(story.split_brain("unfenced"), 1);
  const auto overlaps = story.value("split_brain_overlaps_total{kind=unfenced}");
  // It can not be asked: it may still lead.
  story.round({Look(21'000, 21'002).leads("a", {}, "t1").silent("b")});
  EXPECT_EQ(story.split_brain("unfenced"), 1);
  // It is none of them any more.
  story.judgement().keep_only({"a"});
  story.round({Look(22'000, 22'002).leads("a", {}, "t1")});
  EXPECT_EQ(story.split_brain("unfenced"), 0);
  EXPECT_EQ(story.value("split_brain_overlaps_total{kind=unfenced}"), overlaps) << "the count stays";
  EXPECT_EQ(story.value("leaders"), 1);
}

TEST(MembersGone, TheLagOfThoseThatStayKeepsItsPast) {
  Story story(redis());
  for (double now = 0; now <= 10'000; now += 1000) {
    const auto position = static_cast<std::uint64_t>(now);
    story.round({Look(now, now + 2)
                     .leads("a")
                     .follows("b", "a")
                     .stands("a", Role::leader, "x", 1000 + position)
                     .stands("b", Role::replica, "x", 1000, Link::down)});
  }
  const auto before = story.value("replication_lag_seconds{member=b}");
  ASSERT_GE(before.value_or(0), 9);
  story.judgement().keep_only({"a", "b"});
  story.round({Look(11'000, 11'002)
                   .leads("a")
                   .follows("b", "a")
                   .stands("a", Role::leader, "x", 12'000)
                   .stands("b", Role::replica, "x", 1000, Link::down)});
  EXPECT_GE(story.value("replication_lag_seconds{member=b}").value_or(0), *before + 0.9);
  story.judgement().keep_only({"a"});
  story.round({Look(12'000, 12'002).leads("a").stands("a", Role::leader, "x", 13'000)});
  EXPECT_FALSE(speaks_of(story, "b"));
}

TEST(MembersGone, RoundTripsAndClocksGoAtOnce) {
  Story story(etcd());
  const auto look = [](double now, std::initializer_list<const char*> members) {
    Look out(now, now + 2);
    for (const auto* member : members) {
      out.facts().clocks.push_back(clock_of(member, now));
      out.facts().trains.push_back(packet_train(member, "stamp", asked(now, now + 2), 10, 10));
    }
    return out;
  };
  story.round({look(0, {"a", "b"})});
  ASSERT_TRUE(speaks_of(story, "b"));
  const auto sent = story.value("rtt_sent_total{member=a,method=stamp}");
  story.round({look(1000, {"a"})});
  EXPECT_TRUE(speaks_of(story, "b")) << "its clock can not be proved to be right";
  story.judgement().keep_only({"a"});
  story.round({look(2000, {"a"})});
  EXPECT_FALSE(speaks_of(story, "b"));
  EXPECT_EQ(story.value("rtt_sent_total{member=a,method=stamp}").value_or(0), sent.value_or(0) + 20);
}

}  // namespace
}  // namespace qw::signals
