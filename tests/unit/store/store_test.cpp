#include "daemon/store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "daemon/store/matchers.hpp"
#include "daemon/store/track.hpp"

namespace qw::store {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "Leaders.", ""};
constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};
constexpr MetricFamily kRtt{"quorumwatch_rtt_distribution_seconds", MetricType::histogram, "Times.",
                            "member"};

SteadyTime at(int second) {
  return SteadyTime(seconds(second));
}

/// Rounds of one target, as a Target makes them.
class Source {
 public:
  explicit Source(std::string name)
      : id_{.system = "etcd", .name = std::move(name)}, samples_(id_.system, id_.name) {}

  Source& add(const MetricFamily& family, double value, std::string_view member = {},
              std::string_view suffix = {}) {
    if (member.empty()) {
      samples_.add(family, value, {}, suffix);
    } else {
      samples_.add(family, value, {{"member", member}}, suffix);
    }
    return *this;
  }
  RoundPtr round(int second) {
    auto round = std::make_shared<Round>();
    round->target = id_;
    round->started = round->finished = at(second);
    round->samples = samples_.take();
    return round;
  }
  const TargetId& id() const { return id_; }

 private:
  TargetId id_;
  Samples samples_;
};

Store::Options keeping(Nanoseconds retention, std::size_t max_series = 1000) {
  Store::Options options;
  options.retention = retention;
  options.max_series = max_series;
  return options;
}

std::vector<Matcher> named(std::string_view name) {
  return {{.label = "__name__", .value = std::string(name)}};
}

std::vector<double> values(const SeriesView& view) {
  std::vector<double> out;
  for (const auto& point : view.points) out.push_back(is_stale_marker(point.value) ? -999 : point.value);
  return out;
}

TEST(Store, ASnapshotStaysTheSameObjectUntilSomethingChanges) {
  Store store({});
  Source a("a");
  store.publish(a.add(kLeaders, 1).round(1));
  const auto first = store.snapshot();
  EXPECT_EQ(store.snapshot(), first);
  store.publish(a.add(kLeaders, 2).round(2));
  const auto second = store.snapshot();
  EXPECT_NE(second, first);
  EXPECT_GT(second->generation, first->generation);
  EXPECT_EQ(first->rounds[0]->samples[0].value, 1) << "a reader's snapshot never changes";
  EXPECT_EQ(second->rounds[0]->samples[0].value, 2);
}

TEST(Store, RoundsAreInOrderOfTargetAndAForgottenOneIsGone) {
  Store store({});
  Source a("a");
  Source b("b");
  store.publish(b.add(kLeaders, 1).add(kClaim, 1, "x").round(1));
  store.publish(a.add(kLeaders, 1).round(1));
  ASSERT_EQ(store.snapshot()->rounds.size(), 2U);
  EXPECT_EQ(store.snapshot()->rounds[0]->target, a.id());
  EXPECT_EQ(store.series(), 3U);
  store.forget(b.id());
  store.forget(b.id());
  ASSERT_EQ(store.snapshot()->rounds.size(), 1U);
  EXPECT_EQ(store.series(), 1U);
}

TEST(Store, WithoutRetentionSelectSeesTheLastRoundOnly) {
  Store store({});
  Source a("a");
  store.publish(a.add(kLeaders, 1).round(1));
  store.publish(a.add(kLeaders, 2).round(2));
  const auto found = store.select(named("quorumwatch_leaders"), at(0), at(9));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(values(found[0]), ElementsAre(2));
  EXPECT_TRUE(store.select(named("quorumwatch_leaders"), at(3), at(9)).empty());
}

TEST(Store, HistoryReachesBackAsFarAsTheRetention) {
  Store store(keeping(seconds(10)));
  Source a("a");
  for (int t = 1; t <= 30; ++t) store.publish(a.add(kLeaders, t).round(t));
  const auto all = store.select(named("quorumwatch_leaders"), at(0), at(99));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(values(all[0]), ElementsAre(20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30));
  const auto some = store.select(named("quorumwatch_leaders"), at(22), at(24));
  EXPECT_THAT(values(some[0]), ElementsAre(22, 23, 24));
}

TEST(Store, ASeriesThatVanishesIsMarkedStaleOnceAndComesBack) {
  Store store(keeping(seconds(100)));
  Source a("a");
  store.publish(a.add(kLeaders, 1).add(kClaim, 1, "x").round(1));
  store.publish(a.add(kLeaders, 1).round(2));
  store.publish(a.add(kLeaders, 1).round(3));
  store.publish(a.add(kClaim, 0, "x").add(kLeaders, 1).round(4));
  const auto claim = store.select(named("quorumwatch_leader_claim"), at(0), at(99));
  ASSERT_EQ(claim.size(), 1U);
  EXPECT_THAT(values(claim[0]), ElementsAre(1, -999, 0));
  EXPECT_EQ(claim[0].points[1].at, at(2));
  EXPECT_THAT(values(store.select(named("quorumwatch_leaders"), at(0), at(99))[0]), ElementsAre(1, 1, 1, 1));
}

TEST(Store, AnEndedSeriesTakesNoRoomOnceItsPointsAreTooOld) {
  Store store(keeping(seconds(5)));
  Source a("a");
  store.publish(a.add(kClaim, 1, "x").add(kLeaders, 1).round(1));
  EXPECT_EQ(store.series(), 2U);
  for (int t = 2; t <= 20; ++t) store.publish(a.add(kLeaders, 1).round(t));
  EXPECT_EQ(store.series(), 1U);
  EXPECT_TRUE(store.select(named("quorumwatch_leader_claim"), at(0), at(99)).empty());
}

TEST(Store, HistoryIsContinuedWhenTheTargetWasMadeAnew) {
  Store store(keeping(seconds(100)));
  Source before("a");
  Source after("a");  // other Series objects with the same labels
  store.publish(before.add(kLeaders, 1).round(1));
  store.publish(after.add(kLeaders, 2).round(2));
  const auto found = store.select(named("quorumwatch_leaders"), at(0), at(99));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(values(found[0]), ElementsAre(1, 2));
}

TEST(Store, ForgettingATargetDropsItsHistoryAndNoOther) {
  Store store(keeping(seconds(100)));
  Source a("a");
  Source b("b");
  for (int t = 1; t <= 3; ++t) {
    store.publish(a.add(kLeaders, t).add(kClaim, 1, "x").round(t));
    store.publish(b.add(kLeaders, t * 10).round(t));
  }
  store.forget(a.id());
  const auto found = store.select(named("quorumwatch_leaders"), at(0), at(99));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(values(found[0]), ElementsAre(10, 20, 30));
  EXPECT_EQ(store.series(), 1U);
}

TEST(Store, SamplesBeyondTheCapAreLeftOutAndCounted) {
  for (const auto& options : {keeping(Nanoseconds(0), 3), keeping(seconds(100), 3)}) {
    Store store(options);
    Source a("a");
    Source b("b");
    store.publish(a.add(kLeaders, 1).add(kClaim, 1, "x").round(1));
    store.publish(b.add(kLeaders, 1).add(kClaim, 1, "x").add(kClaim, 1, "y").round(1));
    EXPECT_EQ(store.series(), 3U);
    EXPECT_EQ(store.series_dropped(), 2U);
    EXPECT_EQ(store.snapshot()->rounds[0]->samples.size(), 2U) << "what was there first stays";
    EXPECT_EQ(store.snapshot()->rounds[1]->samples.size(), 1U);
    store.publish(a.add(kLeaders, 1).add(kClaim, 1, "x").round(2));
    EXPECT_EQ(store.series_dropped(), 2U) << "known series are no growth";
  }
}

TEST(Store, ManyRoundsOfChangingOrderKeepEachSeriesItsOwnPoints) {
  Store store(keeping(seconds(1000)));
  Source a("a");
  for (int t = 1; t <= 100; ++t) {
    for (int m = 0; m < 10; ++m) {
      const int member = (m * 7 + t) % 10;
      if ((member + t) % 3 == 0) continue;
      a.add(kClaim, member, std::to_string(member));
    }
    store.publish(a.round(t));
  }
  const auto found = store.select(named("quorumwatch_leader_claim"), at(0), at(999));
  ASSERT_EQ(found.size(), 10U);
  for (const auto& view : found) {
    for (const auto& point : view.points) {
      if (is_stale_marker(point.value)) continue;
      EXPECT_EQ(std::to_string(static_cast<int>(point.value)), view.series->labels.get("member"));
    }
    EXPECT_GT(view.points.size(), 60U);
  }
}

TEST(Store, HistoryBeginsWithTheLastRoundsWhenItIsAskedFor) {
  Store store({});
  Source a("a");
  store.publish(a.add(kLeaders, 1).round(1));
  store.publish(a.add(kLeaders, 2).round(2));
  EXPECT_TRUE(store.find(named("quorumwatch_leaders")).empty());
  store.set_retention(seconds(10));
  store.publish(a.add(kLeaders, 3).round(3));
  EXPECT_THAT(values(store.select(named("quorumwatch_leaders"), at(0), at(9))[0]), ElementsAre(2, 3));
  EXPECT_EQ(store.series(), 1U);

  store.set_retention(Nanoseconds(0));
  EXPECT_THAT(values(store.select(named("quorumwatch_leaders"), at(0), at(9))[0]), ElementsAre(3));
  EXPECT_EQ(store.series(), 1U);
  EXPECT_EQ(store.history_bytes(), 0U);
}

TEST(Store, AShorterRetentionTakesEffectAtOnceAndALongerOneFromNowOn) {
  Store store(keeping(seconds(100)));
  Source a("a");
  for (int t = 1; t <= 50; ++t) store.publish(a.add(kLeaders, t).round(t));
  const auto before = store.history_bytes();
  store.set_retention(seconds(5));
  EXPECT_EQ(store.retention(), seconds(5));
  EXPECT_EQ(store.select(named("quorumwatch_leaders"), at(0), at(99))[0].points.size(), 6U);
  EXPECT_LT(store.history_bytes(), before / 2);
  store.set_retention(seconds(100));
  for (int t = 51; t <= 60; ++t) store.publish(a.add(kLeaders, t).round(t));
  EXPECT_EQ(store.select(named("quorumwatch_leaders"), at(0), at(99))[0].points.size(), 16U);
}

TEST(Store, WithTooManySeriesNoHistoryIsKept) {
  Store store{Store::Options()};
  store.set_retention(seconds(100), 2);
  Source a("a"), b("b");
  store.publish(a.add(kLeaders, 1).round(1));
  store.publish(a.add(kLeaders, 2).round(2));
  store.publish(b.add(kLeaders, 1).round(2));
  EXPECT_EQ(store.retention(), seconds(100));
  store.publish(b.add(kLeaders, 1).add(kClaim, 1, "x").round(3));
  EXPECT_EQ(store.retention(), Nanoseconds(0));
  EXPECT_EQ(store.history_bytes(), 0U);
  EXPECT_EQ(store.select(named("quorumwatch_leaders"), at(0), at(9)).size(), 2U);
  store.set_retention(seconds(100), 2);
  EXPECT_EQ(store.retention(), Nanoseconds(0)) << "there are three";
  store.set_retention(seconds(100), 3);
  EXPECT_EQ(store.retention(), seconds(100));
}

TEST(Store, WhoeverReadsWhatIsMarkedSeesOneState) {
  Store store(keeping(seconds(100)));
  Source a("a"), late("late");
  for (int t = 1; t <= 3; ++t) store.publish(a.add(kLeaders, t).round(t));
  store.mark();
  store.publish(a.add(kLeaders, 4).round(4));
  store.publish(a.round(5));
  store.publish(late.add(kLeaders, 7).round(4));
  std::vector<std::optional<double>> marked;
  for (const auto* track : store.find(named("quorumwatch_leaders"))) {
    const auto newest = track->newest(at(0), at(9), Seen::marked);
    marked.push_back(newest ? std::optional(newest->value) : std::nullopt);
    std::size_t points = 0;
    track->visit(at(0), at(9), [&points](SteadyTime, double) { ++points; }, Seen::marked);
    EXPECT_EQ(points, newest ? 3U : 0U);
  }
  EXPECT_THAT(marked, testing::UnorderedElementsAre(3, std::nullopt));
}

TEST(Store, SeriesOfOtherNamesChangeNoVersion) {
  Store store(keeping(seconds(100)));
  Source a("a");
  store.publish(a.add(kLeaders, 1).round(1));
  const auto leaders = store.tracks_version(named("quorumwatch_leaders"));
  const auto all = store.tracks_version({});
  store.publish(a.add(kLeaders, 2).add(kClaim, 1, "x").round(2));
  EXPECT_EQ(store.tracks_version(named("quorumwatch_leaders")), leaders);
  EXPECT_NE(store.tracks_version({}), all);
  EXPECT_NE(store.tracks_version(named("quorumwatch_leader_claim")), 0U);
}

TEST(Store, TracksAreGoodUntilASeriesComesOrGoes) {
  Store store(keeping(seconds(5)));
  Source a("a");
  store.publish(a.add(kLeaders, 1).add(kClaim, 1, "x").round(1));
  const auto tracks = store.find(named("quorumwatch_leaders"));
  const auto version = store.tracks_version();
  ASSERT_EQ(tracks.size(), 1U);
  store.publish(a.add(kLeaders, 2).add(kClaim, 1, "x").round(2));
  EXPECT_EQ(store.tracks_version(), version);
  EXPECT_EQ(tracks[0]->newest(at(0), at(9))->value, 2);
  EXPECT_EQ(tracks[0]->series()->labels.get("target"), "a");

  store.publish(a.add(kLeaders, 3).add(kClaim, 1, "x").add(kClaim, 1, "y").round(3));
  const auto grown = store.tracks_version();
  EXPECT_GT(grown, version);
  store.publish(a.add(kLeaders, 3).add(kClaim, 1, "x").round(4));
  EXPECT_EQ(store.tracks_version(), grown) << "an ended series can still be looked at";
  store.publish(a.add(kLeaders, 3).add(kClaim, 1, "x").round(20));
  EXPECT_GT(store.tracks_version(), grown);
  const auto last = store.tracks_version();
  store.forget(a.id());
  EXPECT_GT(store.tracks_version(), last);
}

TEST(StaleMarker, IsTheNanOfPrometheusAndNoOther) {
  EXPECT_TRUE(std::isnan(stale_marker()));
  EXPECT_TRUE(is_stale_marker(stale_marker()));
  EXPECT_FALSE(is_stale_marker(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(is_stale_marker(0));
}

TEST(Select, MatchesAsPromqlDoes) {
  Store store(keeping(seconds(100)));
  Source a("a");
  Source b("b.c");
  store.publish(
      a.add(kLeaders, 1).add(kClaim, 1, "x").add(kClaim, 0, "y").add(kRtt, 3, "x", "_count").round(1));
  store.publish(b.add(kLeaders, 1).round(1));
  struct Case {
    const char* what;
    std::vector<Matcher> matchers;
    std::vector<std::string> expected;  // name/target/member
  };
  const std::vector<Case> cases{
      {"name", named("quorumwatch_leaders"), {"quorumwatch_leaders/a/", "quorumwatch_leaders/b.c/"}},
      {"name with suffix",
       named("quorumwatch_rtt_distribution_seconds_count"),
       {"quorumwatch_rtt_distribution_seconds_count/a/x"}},
      {"a histogram's family is no series", named("quorumwatch_rtt_distribution_seconds"), {}},
      {"unknown name", named("nothing"), {}},
      {"equal", {{"member", MatchType::equal, "y"}}, {"quorumwatch_leader_claim/a/y"}},
      {"absent label is empty",
       {{"member", MatchType::equal, ""}},
       {"quorumwatch_leaders/a/", "quorumwatch_leaders/b.c/"}},
      {"not equal",
       {{"member", MatchType::not_equal, ""}, {"member", MatchType::not_equal, "x"}},
       {"quorumwatch_leader_claim/a/y"}},
      {"regex is anchored", {{"target", MatchType::regex, "b"}}, {}},
      {"regex", {{"target", MatchType::regex, "b.+"}}, {"quorumwatch_leaders/b.c/"}},
      {"regex on the name",
       {{"__name__", MatchType::regex, ".*_claim"}, {"member", MatchType::regex, "x|z"}},
       {"quorumwatch_leader_claim/a/x"}},
      {"not regex",
       {{"__name__", MatchType::not_regex, ".*(claim|rtt).*"}, {"target", MatchType::not_regex, "a"}},
       {"quorumwatch_leaders/b.c/"}},
      {"bad regex matches nothing", {{"target", MatchType::regex, "("}}, {}},
      {"bad negative regex matches nothing", {{"target", MatchType::not_regex, "("}}, {}},
  };
  for (const auto& test : cases) {
    std::vector<std::string> got;
    for (const auto& view : store.select(test.matchers, at(0), at(9))) {
      const auto& labels = view.series->labels;
      got.push_back(metric_name(*view.series) + "/" + std::string(labels.get("target")) + "/" +
                    std::string(labels.get("member")));
    }
    EXPECT_THAT(got, testing::UnorderedElementsAreArray(test.expected)) << test.what;
  }
}

TEST(Patterns, AreCompiledOnceAndCannotGrowWithoutEnd) {
  Patterns patterns;
  const auto first = patterns.find("a.*");
  EXPECT_EQ(patterns.find("a.*"), first);
  EXPECT_EQ(patterns.find("("), nullptr);
  for (std::size_t i = 0; i < Patterns::kMaxCached * 3; ++i) patterns.find("x" + std::to_string(i));
  EXPECT_LE(patterns.size(), Patterns::kMaxCached);
  EXPECT_TRUE(RE2::FullMatch("ab", *first)) << "what is in use outlives the cache";
}

}  // namespace
}  // namespace qw::store
