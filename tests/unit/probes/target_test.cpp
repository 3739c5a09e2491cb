#include "probes/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>

namespace qw::probes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr MetricFamily kAlarms{"quorumwatch_test_alarms", MetricType::gauge, "Alarms.", "member alarm"};

/// A clock that stands still until it is told.
class FakeClock final : public Clock {
 public:
  SteadyTime steady() const override { return now; }
  WallTime wall() const override { return WallTime(seconds(1'700'000'000)) + now.time_since_epoch(); }
  SteadyTime now{seconds(100)};
};

/// Answers by script, and notes what it was asked.
class ScriptedProbe final : public Probe {
 public:
  struct Asked {
    std::vector<std::string> only;
    SteadyTime deadline;
  };
  struct Script {
    std::deque<Result<Facts>> answers;
    std::vector<Asked> asked;
    Nanoseconds takes = milliseconds(1);
  };
  ScriptedProbe(Script& script, FakeClock& clock) : script_(script), clock_(clock) {}

  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override {
    script_.asked.push_back({.only = question.only, .deadline = deadline});
    clock_.now += script_.takes;
    if (script_.answers.empty()) co_return fail(ErrorKind::internal, "asked once more than expected");
    auto answer = std::move(script_.answers.front());
    script_.answers.pop_front();
    co_return answer;
  }

 private:
  Script& script_;
  FakeClock& clock_;
};

class TargetTest : public testing::Test {
 protected:
  Round measure(Nanoseconds timeout = seconds(1)) {
    std::optional<Round> out;
    asio::io_context io(1);
    auto carry = [](Task<Round> inner, std::optional<Round>& into) -> Task<void> {
      into.emplace(co_await std::move(inner));
    };
    std::exception_ptr bug;
    asio::co_spawn(io, carry(target.measure(clock.now + timeout), out),
                   [&](std::exception_ptr thrown) { bug = thrown; });
    io.run();
    if (bug) std::rethrow_exception(bug);
    return std::move(*out);
  }

  LeadershipClaim claim(std::string member, Claim what, std::string token = "t") const {
    LeadershipClaim out;
    out.member = std::move(member);
    out.asked = {.sent = clock.now, .received = clock.now + milliseconds(1)};
    out.claim = what;
    out.tenure.token = std::move(token);
    return out;
  }
  Unanswered silent(std::string member, std::string reason) const {
    return {.member = std::move(member), .asked = {}, .error = Error(ErrorKind::refused, std::move(reason))};
  }

  FakeClock clock;
  ScriptedProbe::Script script;
  Target target{TargetId{.system = "redis", .name = "sessions"},
                std::make_unique<ScriptedProbe>(script, clock), clock};
};

std::vector<std::string> lines(const Round& round) {
  std::vector<std::string> out;
  for (const auto& sample : round.samples)
    out.push_back(line_prefix(*sample.series) + std::to_string(static_cast<int>(sample.value)));
  return out;
}

TEST_F(TargetTest, ARoundSaysWhenItWasAndWhatWasFound) {
  Facts facts;
  facts.claims = {claim("a", Claim::leader), claim("b", Claim::not_leader)};
  facts.readings = {{.family = &kAlarms, .labels = {{"member", "a"}, {"alarm", "nospace"}}, .value = 1}};
  script.answers.push_back(facts);
  const auto start = clock.now;
  const auto round = measure();
  EXPECT_TRUE(round.success);
  EXPECT_EQ(round.reason, "");
  EXPECT_EQ(round.number, 1U);
  EXPECT_EQ(round.started, start);
  EXPECT_EQ(round.finished, start + milliseconds(1));
  EXPECT_EQ(round.at, WallTime(seconds(1'700'000'100)));
  EXPECT_EQ(round.facts.claims.size(), 2U);
  EXPECT_EQ(lines(round).front(), "quorumwatch_probe_success{system=\"redis\",target=\"sessions\"} 1");
  EXPECT_THAT(lines(round),
              testing::Contains("quorumwatch_test_alarms{alarm=\"nospace\",member=\"a\",system=\"redis\","
                                "target=\"sessions\"} 1"));
}

TEST_F(TargetTest, RoundsAreCounted) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Facts facts;
    facts.claims = {claim("a", Claim::leader)};
    script.answers.push_back(facts);
    EXPECT_EQ(measure().number, i);
  }
}

TEST_F(TargetTest, TheFirstLookLeavesAFifthOfTheTimeForSecondLooks) {
  script.answers.push_back(Facts());
  const auto start = clock.now;
  measure(seconds(2));
  ASSERT_EQ(script.asked.size(), 1U);
  EXPECT_THAT(script.asked[0].only, IsEmpty());
  EXPECT_EQ(script.asked[0].deadline, start + milliseconds(1600));
}

TEST_F(TargetTest, WhenNoMemberAnsweredThereIsOneSampleAndAReason) {
  Facts good;
  good.claims = {claim("a", Claim::leader)};
  script.answers.push_back(good);
  EXPECT_GT(measure().samples.size(), 1U);

  Facts facts;
  facts.unanswered = {silent("a:1", "a:1: connection refused"), silent("b:1", "deadline exceeded"),
                      silent("c:1", "connection refused")};
  script.answers.push_back(facts);
  const auto round = measure();
  EXPECT_FALSE(round.success);
  EXPECT_EQ(round.reason,
            "redis sessions: no member answered: connection refused (a:1, c:1), deadline exceeded (b:1)");
  EXPECT_THAT(lines(round), ElementsAre("quorumwatch_probe_success{system=\"redis\",target=\"sessions\"} 0"));
  EXPECT_EQ(round.facts.unanswered.size(), 3U);
}

TEST_F(TargetTest, AReasonStaysShortHoweverManyMembersAreSilent) {
  Facts facts;
  for (int i = 0; i < 100; ++i)
    facts.unanswered.push_back(silent(std::to_string(i), "reason " + std::to_string(i % 10)));
  script.answers.push_back(facts);
  const auto round = measure();
  EXPECT_LT(round.reason.size(), 250U);
  EXPECT_THAT(round.reason, HasSubstr("reason 0 (0, 10, 20 and 7 more)"));
}

TEST_F(TargetTest, WhenOneMemberAnsweredTheRoundSucceeds) {
  Facts facts;
  facts.claims = {claim("a", Claim::not_leader)};
  facts.unanswered = {silent("b", "connection refused")};
  script.answers.push_back(facts);
  const auto round = measure();
  EXPECT_TRUE(round.success);
  EXPECT_EQ(round.reason, "");
}

TEST_F(TargetTest, AReasonOfOursFailsTheRound) {
  script.answers.push_back(fail(ErrorKind::internal, "too many open files"));
  const auto round = measure();
  EXPECT_FALSE(round.success);
  EXPECT_EQ(round.reason, "redis sessions: too many open files");
  EXPECT_EQ(round.samples.size(), 1U);
  EXPECT_EQ(round.samples[0].value, 0);
}

TEST_F(TargetTest, AnotherProbeGoesOnWhereTheOldOneStopped) {
  Facts facts;
  facts.claims = {claim("a", Claim::leader), claim("b", Claim::not_leader)};
  script.answers.push_back(facts);
  measure();
  facts.claims = {claim("a", Claim::not_leader), claim("b", Claim::leader, "t2")};
  clock.now += seconds(1);
  for (auto& one : facts.claims) one.asked = {.sent = clock.now, .received = clock.now + milliseconds(1)};
  script.answers.push_back(facts);
  const auto elected = [](const Round& round) {
    double sum = 0;
    for (const auto& sample : round.samples) {
      if (sample.series->family->name == "quorumwatch_leader_elections_total") sum += sample.value;
    }
    return sum;
  };
  EXPECT_EQ(elected(measure()), 1);

  ScriptedProbe::Script next;
  target.exchange_probe(std::make_unique<ScriptedProbe>(next, clock));
  // The first round fails, which says nothing about who is a member.
  next.answers.push_back(fail(ErrorKind::internal, "too many open files"));
  measure();
  clock.now += seconds(1);
  Facts fewer;
  fewer.claims = {claim("b", Claim::leader, "t2"), claim("c", Claim::not_leader)};
  next.answers.push_back(fewer);
  const auto round = measure();
  EXPECT_EQ(round.number, 4U);
  EXPECT_EQ(elected(round), 1) << "what was counted stays";
  EXPECT_EQ(script.asked.size(), 2U) << "the old probe is asked no more";
  for (const auto& line : lines(round)) EXPECT_THAT(line, testing::Not(HasSubstr("member=\"a\"")));
}

TEST_F(TargetTest, NoFactsAtAllAreNoSuccess) {
  script.answers.push_back(Facts());
  const auto round = measure();
  EXPECT_FALSE(round.success);
  EXPECT_EQ(round.reason, "redis sessions: there was nobody to ask");
}

TEST_F(TargetTest, TwoClaimsAreLookedAtAgainOneMemberAtATimeWithTheWholeDeadline) {
  Facts facts;
  facts.claims = {claim("a", Claim::leader, "t1"), claim("b", Claim::leader, "t2")};
  script.answers.push_back(facts);
  for (int i = 0; i < 10; ++i) {
    Facts again;
    again.claims = {claim(i % 2 == 0 ? "a" : "b", Claim::leader, i % 2 == 0 ? "t1" : "t2")};
    script.answers.push_back(again);
  }
  const auto start = clock.now;
  const auto round = measure();
  ASSERT_GT(script.asked.size(), 1U);
  EXPECT_LE(script.asked.size(), 8U);
  for (std::size_t i = 1; i < script.asked.size(); ++i) {
    EXPECT_EQ(script.asked[i].only.size(), 1U);
    EXPECT_EQ(script.asked[i].deadline, start + seconds(1));
  }
  EXPECT_EQ(round.facts.claims.size(), 1 + script.asked.size()) << "the facts of all looks are kept";
}

TEST_F(TargetTest, NoSecondLookWhenTheTimeIsUp) {
  Facts facts;
  facts.claims = {claim("a", Claim::leader, "t1"), claim("b", Claim::leader, "t2")};
  script.answers.push_back(facts);
  script.takes = seconds(1);
  measure();
  EXPECT_EQ(script.asked.size(), 1U);
}

TEST_F(TargetTest, ASecondLookThatFailsTakesNothingAway) {
  Facts facts;
  facts.claims = {claim("a", Claim::leader, "t1"), claim("b", Claim::leader, "t2")};
  script.answers.push_back(facts);
  script.answers.push_back(fail(ErrorKind::internal, "no sockets"));
  const auto round = measure();
  EXPECT_TRUE(round.success);
  EXPECT_EQ(round.facts.claims.size(), 2U);
}

TEST_F(TargetTest, AReadingThatComesTwiceIsOneSample) {
  Facts facts;
  for (const double value : {1.0, 2.0}) {
    facts.readings.push_back(
        {.family = &kAlarms, .labels = {{"member", "a"}, {"alarm", "nospace"}}, .value = value});
  }
  script.answers.push_back(facts);
  const auto round = measure();
  int found = 0;
  for (const auto& sample : round.samples) {
    if (sample.series->family != &kAlarms) continue;
    ++found;
    EXPECT_EQ(sample.value, 2);
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace qw::probes
