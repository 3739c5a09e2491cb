#include "daemon/notify/outbox.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace qw::notify {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{1h};
const WallTime kWall{1795213471s};

AlertPtr alert(const std::string& name, bool ended = false, const std::string& note = "") {
  auto made = std::make_shared<Alert>();
  made->labels = {{"alertname", name}};
  made->annotations = {{"note", note}};
  made->starts_at = kWall;
  if (ended) made->ends_at = kWall + 10s;
  return made;
}

std::string said(const std::vector<AlertPtr>& alerts) {
  std::set<std::string> words;
  for (const auto& one : alerts)
    words.insert(std::string(one->labels.get("alertname")) + (one->ends_at ? " ended" : " fires"));
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

class OutboxTest : public ::testing::Test {
 protected:
  void update(std::initializer_list<AlertPtr> alerts) { outbox.update(alerts, now, kWall); }
  std::string due() const { return said(outbox.due(now)); }
  std::string deliver() {
    const auto batch = outbox.due(now);
    outbox.begin(batch);
    outbox.acknowledge(batch, now);
    return said(batch);
  }
  Outbox outbox{Outbox::Options()};
  SteadyTime now = kStart;
};

TEST_F(OutboxTest, SentMeansAcknowledged) {
  update({alert("a")});
  EXPECT_EQ(due(), "a fires");
  EXPECT_EQ(due(), "a fires") << "nobody has acknowledged it";
  EXPECT_EQ(outbox.waiting(), 1U);
  deliver();
  EXPECT_EQ(due(), "");
  EXPECT_EQ(outbox.waiting(), 0U);
  now += 29s;
  EXPECT_EQ(due(), "");
  now += 1s;
  EXPECT_EQ(deliver(), "a fires") << "Alertmanager forgets what is not repeated";
  EXPECT_EQ(outbox.next_due(), now + 30s);
}

TEST_F(OutboxTest, AnEndIsToldUntilItIsTaken) {
  update({alert("a")});
  deliver();
  update({alert("a", true)});
  EXPECT_EQ(due(), "a ended");
  now += 1h;
  EXPECT_EQ(deliver(), "a ended");
  update({alert("a", true)});
  now += 1h;
  EXPECT_EQ(due(), "") << "the rules keep it for a while; it is not told twice";
  update({});
  EXPECT_EQ(outbox.size(), 0U);
}

TEST_F(OutboxTest, WhatBeganAndEndedWhileNobodyListenedIsToldWithItsTimes) {
  update({alert("a")});
  update({alert("a", true)});
  update({});
  ASSERT_EQ(due(), "a ended");
  EXPECT_EQ(outbox.due(now).front()->ends_at, kWall + 10s);
  now += 25h;
  update({});
  EXPECT_EQ(outbox.size(), 0U) << "not for ever";
}

TEST_F(OutboxTest, AnAlertWhoseRuleIsGoneHasEnded) {
  update({alert("a"), alert("b")});
  deliver();
  update({alert("b")});
  EXPECT_EQ(deliver(), "a ended");
  update({alert("a"), alert("b")});
  EXPECT_EQ(deliver(), "a fires") << "and may begin again";
}

TEST_F(OutboxTest, AChangedNoteWaitsForItsTurn) {
  update({alert("a", false, "1")});
  deliver();
  update({alert("a", false, "2")});
  EXPECT_EQ(due(), "");
  now += 30s;
  EXPECT_EQ(outbox.due(now).front()->annotations.get("note"), "2");
}

TEST_F(OutboxTest, WhatChangedWhileItWasSentIsSentAgain) {
  update({alert("a")});
  const auto sent = outbox.due(now);
  update({alert("a", true)});
  outbox.acknowledge(sent, now);
  EXPECT_EQ(due(), "a ended");
}

TEST_F(OutboxTest, ALostAnswerLeavesItUnsureWhatTheyKnow) {
  update({alert("a", true)});
  deliver();
  update({alert("a")});
  outbox.begin(outbox.due(now));  // it arrives, but its answer does not
  update({alert("a", true)});
  EXPECT_EQ(due(), "a ended") << "though its end was acknowledged before";
}

TEST_F(OutboxTest, WhatIsRefusedIsNotAFlood) {
  update({alert("a"), alert("b")});
  outbox.refuse(alert("a"));
  EXPECT_EQ(deliver(), "b fires");
  EXPECT_EQ(outbox.waiting(), 0U);
  update({alert("a", false, "new"), alert("b")});
  EXPECT_EQ(due(), "") << "another form, but not at once";
  now += 30s;
  EXPECT_EQ(due(), "a fires, b fires");
  outbox.refuse(alert("a"));
  update({alert("a", true), alert("b")});
  EXPECT_EQ(due(), "a ended, b fires") << "another state";
}

TEST_F(OutboxTest, WhatIsHeldIsNotToldAnewButItsEndIs) {
  Outbox::Options options;
  options.never_held = "watchdog";
  outbox = Outbox(options);
  update({alert("a"), alert("watchdog")});
  deliver();
  outbox.hold(true);
  update({alert("a", true), alert("b"), alert("c", true), alert("watchdog")});
  EXPECT_EQ(due(), "a ended") << "what we began we end";
  now += 30s;
  EXPECT_EQ(deliver(), "a ended, watchdog fires");
  outbox.hold(false);
  EXPECT_EQ(due(), "b fires, c ended");
}

TEST_F(OutboxTest, TheOldestGoesFirstInBatches) {
  Outbox::Options options;
  options.batch = 2;
  outbox = Outbox(options);
  update({alert("x")});
  now += 1s;
  update({alert("a"), alert("b"), alert("x")});
  EXPECT_EQ(outbox.due(now).front()->labels.get("alertname"), "x");
  EXPECT_EQ(outbox.due(now).size(), 2U);
  deliver();
  EXPECT_EQ(outbox.due(now).size(), 1U);
}

TEST_F(OutboxTest, IsBoundedAndFiringOnesPushOutEndedOnes) {
  Outbox::Options options;
  options.max_alerts = 2;
  outbox = Outbox(options);
  update({alert("a", true), alert("b"), alert("c")});
  EXPECT_EQ(due(), "b fires, c fires");
  EXPECT_EQ(outbox.left_out(), 1U);
  update({alert("b"), alert("c"), alert("d")});
  EXPECT_EQ(outbox.size(), 2U);
  EXPECT_EQ(outbox.left_out(), 2U);
}

TEST_F(OutboxTest, KeepsWhatAnEarlierConfigurationKnew) {
  update({alert("a")});
  deliver();
  Outbox next{Outbox::Options()};
  next.adopt(std::move(outbox));
  next.update({}, now, kWall);
  EXPECT_EQ(said(next.due(now)), "a ended");
}

/// Whatever happens on the way, in the end Alertmanager knows the truth.
TEST_F(OutboxTest, NoTransitionIsLostWhateverGetsLost) {
  std::mt19937 random(7);
  const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
  for (int run = 0; run < 200; ++run) {
    Outbox box{Outbox::Options()};
    std::map<std::string, bool> theirs;  // as Alertmanager knows it: fires
    std::vector<bool> fires(6, false), began(6, false);
    const auto tell = [&] {
      std::vector<AlertPtr> all;
      for (std::size_t i = 0; i < fires.size(); ++i) {
        if (began[i]) all.push_back(alert(std::to_string(i), !fires[i]));
      }
      box.update(all, now, kWall);
    };
    for (int step = 0; step < 100; ++step) {
      now += 1s;
      for (std::size_t i = 0; i < fires.size(); ++i) {
        if (!chance(10)) continue;
        fires[i] = !fires[i];
        began[i] = true;
      }
      tell();
      if (chance(70)) continue;  // it does not answer
      const auto batch = box.due(now);
      box.begin(batch);
      for (const auto& one : batch) theirs[std::string(one->labels.get("alertname"))] = !one->ends_at;
      if (chance(80)) box.acknowledge(batch, now);  // else: it took them, but the answer was lost
    }
    now += 1s;
    tell();
    for (auto batch = box.due(now); !batch.empty(); batch = box.due(now)) {
      for (const auto& one : batch) theirs[std::string(one->labels.get("alertname"))] = !one->ends_at;
      box.begin(batch);
      box.acknowledge(batch, now);
    }
    for (std::size_t i = 0; i < fires.size(); ++i) {
      if (began[i]) ASSERT_EQ(theirs[std::to_string(i)], fires[i]) << "run " << run;
    }
  }
}

AlertPtr handed_over(const std::string& name) {
  auto made = std::make_shared<Alert>(*alert(name));
  made->handed_over = true;
  return made;
}

TEST_F(OutboxTest, WhatWasHandedOverIsNeitherRepeatedNorEnded) {
  update({alert("a"), alert("b")});
  deliver();
  update({handed_over("a"), alert("b")});
  EXPECT_EQ(due(), "");
  now += 30s;
  EXPECT_EQ(deliver(), "b fires");
  update({alert("b")});
  EXPECT_EQ(due(), "") << "its end is not ours to tell";
  EXPECT_EQ(outbox.size(), 1U);
}

TEST_F(OutboxTest, WhatComesBackIsToldAgain) {
  update({alert("a")});
  deliver();
  update({handed_over("a")});
  update({alert("a")});
  EXPECT_EQ(deliver(), "a fires");
  update({alert("a", true)});
  EXPECT_EQ(deliver(), "a ended");
}

}  // namespace
}  // namespace qw::notify
