#include "daemon/rules/alert_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/promql/parser.hpp"

namespace qw::rules {
namespace {

constexpr Millis kSecond = 1000;

RulePtr rule(std::string_view expr, Millis hold = 0, Millis keep_firing = 0) {
  auto out = std::make_shared<Rule>();
  out->alerting = true;
  out->name = "A";
  out->expr = std::move(*promql::parse(expr));
  out->hold = hold;
  out->keep_firing = keep_firing;
  return out;
}

/// A rule whose one alert comes from target etcd/x.
class Story {
 public:
  explicit Story(RulePtr of) : states_(std::move(of)) {}

  Story& holds(Millis at, double value = 1) { return step(at, {candidate("x", value)}); }
  Story& gone(Millis at) { return step(at, {}); }
  Story& step(Millis at, std::vector<AlertStates::Candidate> candidates, std::size_t limit = 0) {
    const auto look = [this](const ActiveAlert& /*alert*/) { return there_; };
    result_ = states_.update(std::move(candidates), at * kSecond, limit, health_ ? &*health_ : nullptr, look);
    return *this;
  }
  Story& answers(bool answered) {
    if (!health_) health_.emplace();
    health_->targets = {{.system = "etcd", .target = "x", .answered = answered, .names = nullptr},
                        {.system = "redis", .target = "y", .answered = true, .names = nullptr}};
    return *this;
  }
  /// The target answers, but for that member; of the alert's series so many are there.
  Story& silent(const std::string& member, SeriesThere there) {
    answers(true);
    health_->targets[0].silent = {member};
    there_ = there;
    return *this;
  }
  static AlertStates::Candidate candidate(const std::string& target, double value = 1) {
    return {.labels = {{"alertname", "A"}, {"target", target}},
            .annotations = {},
            .value = value,
            .system = "etcd",
            .target = target};
  }

  const ActiveAlert* alert() const { return states_.find({{"alertname", "A"}, {"target", "x"}}); }
  AlertState state() const { return alert() ? alert()->state : AlertState::inactive; }
  AlertStates& states() { return states_; }
  const Result<void>& result() const { return result_; }
  DataHealth& health() { return *health_; }

 private:
  AlertStates states_;
  std::optional<DataHealth> health_;
  SeriesThere there_ = SeriesThere::all;
  Result<void> result_;
};

TEST(AlertStates, WithoutForFiresAtOnceAndEndsAtOnce) {
  Story story(rule("m > 0"));
  EXPECT_EQ(story.holds(10, 2).state(), AlertState::firing);
  EXPECT_EQ(story.alert()->active_at, 10 * kSecond);
  EXPECT_EQ(story.alert()->fired_at, 10 * kSecond);
  EXPECT_EQ(story.holds(15, 3).alert()->value, 3);
  EXPECT_EQ(story.gone(20).state(), AlertState::inactive);
  EXPECT_EQ(story.alert()->resolved_at, 20 * kSecond);
}

TEST(AlertStates, ForIsPendingUntilItHasHeldThatLong) {
  Story story(rule("m > 0", 10 * kSecond));
  EXPECT_EQ(story.holds(0).state(), AlertState::pending);
  EXPECT_EQ(story.holds(9).state(), AlertState::pending);
  EXPECT_EQ(story.holds(10).state(), AlertState::firing);
  EXPECT_EQ(story.alert()->active_at, 0);
  EXPECT_EQ(story.alert()->fired_at, 10 * kSecond);
}

TEST(AlertStates, APendingAlertThatEndsIsForgotten) {
  Story story(rule("m > 0", 10 * kSecond));
  story.holds(0).gone(5);
  EXPECT_EQ(story.alert(), nullptr);
  EXPECT_EQ(story.holds(6).alert()->active_at, 6 * kSecond);
}

TEST(AlertStates, AnEndedAlertIsKeptForAQuarterOfAnHourAndCanBeginAgain) {
  Story story(rule("m > 0"));
  story.holds(0).gone(10);
  EXPECT_NE(story.gone(10 + 900).alert(), nullptr);
  EXPECT_EQ(story.gone(10 + 901).alert(), nullptr);
  story.holds(2000).gone(2001);
  EXPECT_EQ(story.holds(2002).state(), AlertState::firing);
  EXPECT_EQ(story.alert()->active_at, 2002 * kSecond);
  EXPECT_EQ(story.alert()->resolved_at, std::nullopt);
}

TEST(AlertStates, KeepFiringForOutlivesTheCondition) {
  Story story(rule("m > 0", 0, 10 * kSecond));
  story.holds(0).gone(5);
  EXPECT_EQ(story.state(), AlertState::firing);
  EXPECT_EQ(story.gone(14).state(), AlertState::firing);
  // It comes back: the time begins anew.
  story.holds(14).gone(16);
  EXPECT_EQ(story.gone(25).state(), AlertState::firing);
  EXPECT_EQ(story.gone(26).state(), AlertState::inactive);
}

TEST(AlertStates, ALongerForMakesAFiringAlertPendingAgain) {
  Story before(rule("m > 0"));
  before.holds(0);
  Story after(rule("m > 0", 60 * kSecond));
  std::vector<ActiveAlert> alerts;
  for (const auto& entry : before.states().all()) alerts.push_back(*entry.alert);
  after.states().restore(std::move(alerts));
  EXPECT_EQ(after.holds(10).state(), AlertState::pending);
  EXPECT_EQ(after.holds(60).state(), AlertState::firing);
}

TEST(AlertStates, TheSameLabelsTwiceChangeNothing) {
  Story story(rule("m > 0"));
  story.holds(0).step(5, {Story::candidate("x"), Story::candidate("x")});
  ASSERT_FALSE(story.result());
  EXPECT_EQ(story.result().error().message(),
            "vector contains metrics with the same labelset after applying alert labels");
  EXPECT_EQ(story.state(), AlertState::firing);
}

TEST(AlertStates, MoreThanTheLimitForgetsAll) {
  Story story(rule("m > 0"));
  story.step(0, {Story::candidate("x"), Story::candidate("z")}, 1);
  EXPECT_EQ(story.result().error().message(), "exceeded limit of 1 with 2 alerts");
  EXPECT_TRUE(story.states().all().empty());
}

TEST(AlertStates, NoDataIsNotResolved) {
  Story story(rule("m > 0"));
  story.answers(true).holds(0).answers(false).gone(5);
  EXPECT_EQ(story.state(), AlertState::firing);
  EXPECT_EQ(story.alert()->unknown_since, 5 * kSecond);
  EXPECT_EQ(story.gone(500).alert()->unknown_since, 5 * kSecond);
  // The target answers again, and its condition is gone.
  EXPECT_EQ(story.answers(true).gone(505).state(), AlertState::inactive);
  EXPECT_EQ(story.alert()->unknown_since, std::nullopt);
}

TEST(AlertStates, NoDataNeitherResetsForNorLetsItPass) {
  Story story(rule("m > 0", 10 * kSecond));
  story.answers(true).holds(0).answers(false);
  EXPECT_EQ(story.gone(5).state(), AlertState::pending);
  EXPECT_EQ(story.gone(60).state(), AlertState::pending);
  EXPECT_EQ(story.answers(true).holds(61).state(), AlertState::firing);
}

TEST(AlertStates, NoDataOfAnotherTargetIsNoReason) {
  Story story(rule("m > 0"));
  story.answers(true).holds(0);
  story.health().targets[1].answered = false;
  EXPECT_EQ(story.gone(5).state(), AlertState::inactive);
}

TEST(AlertStates, ARuleThatAsksForAbsenceIsAnswered) {
  for (const auto* expr :
       {"absent(m)", "absent_over_time(m[5m])", "quorumwatch_probe_success == 0", "up == 0"}) {
    Story story(rule(expr));
    story.answers(true).holds(0).answers(false).gone(5);
    EXPECT_EQ(story.state(), AlertState::inactive) << expr;
  }
}

TEST(AlertStates, PlainPrometheusEndsWhatHasNoData) {
  Story story(rule("m > 0"));
  EXPECT_EQ(story.holds(0).gone(5).state(), AlertState::inactive);
}

TEST(AlertStates, AnAggregateIsUnknownWhileAnyTargetThatItCouldComeFromIs) {
  const auto aggregate = [](std::string_view expr) {
    Story story(rule(expr));
    auto candidate = Story::candidate("x");
    candidate.system = candidate.target = "";
    story.answers(true).step(0, {candidate}).answers(false).gone(5);
    return story.state();
  };
  EXPECT_EQ(aggregate("sum(m) > 0"), AlertState::firing);
  EXPECT_EQ(aggregate("sum(m{system=\"redis\"}) > 0"), AlertState::inactive);
  EXPECT_EQ(aggregate("sum(m{target=~\"x|z\"}) > 0"), AlertState::firing);
}

TEST(AlertStates, ASilentMemberKeepsItsAlertsAndNoOthers) {
  const auto after = [](const std::string& silent, SeriesThere there) {
    Story story(rule("m > 0"));
    auto candidate = Story::candidate("x");
    candidate.labels.set("member", "a");
    story.answers(true).step(0, {candidate}).silent(silent, there).gone(5);
    return story.states().all().front().alert->unknown_since.has_value();
  };
  EXPECT_TRUE(after("a", SeriesThere::none));
  EXPECT_TRUE(after("a", SeriesThere::some)) << "one side of a comparison is missing";
  EXPECT_FALSE(after("a", SeriesThere::all)) << "it answered in time, and its condition is gone";
  EXPECT_FALSE(after("b", SeriesThere::none)) << "its member answers: the series has really ended";
}

TEST(AlertStates, WithoutAMemberWhatIsGoneWhileSomebodyIsSilentIsUnknown) {
  const auto after = [](SeriesThere there) {
    Story story(rule("m > 0"));
    story.answers(true).holds(0).silent("a", there).gone(5);
    EXPECT_EQ(story.answers(true).gone(10).state(), AlertState::inactive);
    return story.alert()->resolved_at == 10 * kSecond;
  };
  EXPECT_TRUE(after(SeriesThere::none)) << "a consumer group whose coordinator does not answer";
  EXPECT_FALSE(after(SeriesThere::some));
  EXPECT_FALSE(after(SeriesThere::all));
}

TEST(AlertStates, WhatTheTargetNeverHadIsNoReason) {
  Story story(rule("m > 0"));
  story.answers(true).holds(0).answers(false);
  story.health().targets[0].names =
      std::make_shared<const std::set<std::string, std::less<>>>(std::set<std::string, std::less<>>{"other"});
  EXPECT_EQ(story.gone(5).state(), AlertState::inactive);
}

TEST(AlertStates, HistoryFromBeforeTheStartIsUnknownUntilTheRangeIsFull) {
  Story story(rule("increase(m[5m]) > 3"));
  story.answers(true).holds(0);
  story.health().since = 100 * kSecond;
  EXPECT_EQ(story.gone(110).state(), AlertState::firing);
  EXPECT_TRUE(story.alert()->unknown_since);
  EXPECT_EQ(story.gone(399).state(), AlertState::firing);
  EXPECT_EQ(story.gone(400).state(), AlertState::inactive);
}

TEST(AlertStates, AnAlertTakenOverIsNotOverBeforeItsTargetWasWatchedForLongEnough) {
  Story story(rule("quorumwatch_probe_success == 0", 90 * kSecond));
  story.answers(true);
  story.health().targets[0].taken_at = 1000 * kSecond;
  ActiveAlert begun;
  begun.labels = {{"alertname", "A"}, {"target", "x"}};
  begun.state = AlertState::firing;
  begun.active_at = 500 * kSecond;
  begun.fired_at = 590 * kSecond;
  begun.system = "etcd";
  begun.target = "x";
  story.states().adopt({begun});
  story.gone(1001);
  EXPECT_EQ(story.state(), AlertState::firing);
  EXPECT_TRUE(story.alert()->unknown_since);
  story.gone(1089);
  EXPECT_EQ(story.state(), AlertState::firing);
  story.holds(1089);
  EXPECT_FALSE(story.alert()->unknown_since) << "it is seen here";
  EXPECT_EQ(story.alert()->active_at, 500 * kSecond) << "since when it holds is kept";
  story.gone(1091);
  EXPECT_EQ(story.state(), AlertState::inactive) << "watched for as long as it takes to raise it";
}

TEST(AlertStates, WhatBeganHereIsOverWhenItIsOver) {
  Story story(rule("m == 0"));
  story.answers(true);
  story.health().targets[0].taken_at = 1000 * kSecond;
  story.holds(1002).gone(1003);
  EXPECT_EQ(story.state(), AlertState::inactive);
}

TEST(AlertStates, APendingAlertTakenOverFiresWhenItsTimeHasCome) {
  Story story(rule("m == 0", 60 * kSecond));
  story.answers(true);
  ActiveAlert begun;
  begun.labels = {{"alertname", "A"}, {"target", "x"}};
  begun.active_at = 100 * kSecond;
  begun.system = "etcd";
  begun.target = "x";
  story.states().adopt({begun});
  story.holds(159);
  EXPECT_EQ(story.state(), AlertState::pending);
  story.holds(160);
  EXPECT_EQ(story.state(), AlertState::firing);
}

TEST(AlertStates, WhatIsKnownHereIsNotReplacedByWhatAnotherTells) {
  Story story(rule("m == 0", 60 * kSecond));
  story.holds(100);
  ActiveAlert other = *story.alert();
  other.active_at = 7;
  story.states().adopt({other});
  EXPECT_EQ(story.alert()->active_at, 100 * kSecond);
}

TEST(AlertStates, LetGoForgetsTheAlertsOfOneTargetAlone) {
  Story story(rule("m == 0"));
  story.step(100, {Story::candidate("x"), Story::candidate("z")});
  const auto before = story.states().transitions();
  const auto gone = story.states().let_go("etcd", "x");
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0]->target, "x");
  EXPECT_EQ(story.alert(), nullptr);
  EXPECT_EQ(story.states().all().size(), 1U);
  EXPECT_GT(story.states().transitions(), before);
  EXPECT_TRUE(story.states().let_go("redis", "z").empty()) << "another system";
  story.step(101, {Story::candidate("z")});
  EXPECT_TRUE(story.result());
}

}  // namespace
}  // namespace qw::rules
