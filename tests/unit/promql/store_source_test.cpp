#include "daemon/promql/store_source.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "daemon/promql/gathered.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"

namespace qw::promql {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "Leaders.", ""};
constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};

/// The steady clock's zero was at this wall time.
constexpr Nanoseconds kOffset = seconds(1'000'000);

SteadyTime at(Nanoseconds time) {
  return SteadyTime(time);
}

class StoreSourceTest : public testing::Test {
 protected:
  StoreSourceTest() { store_.set_retention(seconds(100)); }

  void publish(Nanoseconds time, double leaders, bool claim = true) {
    samples_.add(kLeaders, leaders);
    if (claim) samples_.add(kClaim, 1, {{"member", "a"}});
    auto round = std::make_shared<Round>();
    round->target = {.system = "etcd", .name = "x"};
    round->started = round->finished = at(time);
    round->samples = samples_.take();
    store_.publish(std::move(round));
  }
  /// "name{...} 1@0.5 2@1.5; ..."
  std::string look(std::string_view selector, Millis from, Millis to, Source::Need need = Source::Need::all) {
    const StoreSource source(index_, kOffset);
    std::string out;
    const auto found =
        source.fetch(*parse_matchers(selector), 1'000'000'000 + from, 1'000'000'000 + to, need);
    for (const auto& series : *found) {
      out += print(series.labels->labels);
      for (const auto& point : series.points) {
        out += store::is_stale_marker(point.value) ? " stale" : " " + print_value(point.value);
        out += "@" + std::to_string(point.at - 1'000'000'000);
      }
      out += "; ";
    }
    return out;
  }

  store::Store store_{store::Store::Options()};
  Samples samples_{"etcd", "x"};
  StoreIndex index_{store_};
};

TEST_F(StoreSourceTest, ShowsPointsAtTheirWallTime) {
  publish(seconds(1), 1);
  publish(seconds(2) + Nanoseconds(999'999), 2);
  const std::string name = "quorumwatch_leaders{system=\"etcd\", target=\"x\"}";
  EXPECT_EQ(look("quorumwatch_leaders", 0, 5000), name + " 1@1000 2@2000; ");
  EXPECT_EQ(look("quorumwatch_leaders", 1000, 1999), name + " 1@1000; ");
  EXPECT_EQ(look("quorumwatch_leaders", 1001, 2000), name + " 2@2000; ")
      << "all of a millisecond belongs to it";
  EXPECT_EQ(look("quorumwatch_leaders", 1001, 1999), "");
  EXPECT_EQ(look("quorumwatch_leaders", 0, 5000, Source::Need::newest), name + " 2@2000; ");
  EXPECT_EQ(look("nothing", 0, 5000), "");
}

TEST_F(StoreSourceTest, NewSeriesAreFoundAndEndedOnesShowTheirEnd) {
  publish(seconds(1), 1, false);
  EXPECT_EQ(look("{member=\"a\"}", 0, 5000), "");
  publish(seconds(2), 1);
  const std::string name = "quorumwatch_leader_claim{member=\"a\", system=\"etcd\", target=\"x\"}";
  EXPECT_EQ(look("{member=\"a\"}", 0, 5000), name + " 1@2000; ");
  publish(seconds(3), 1, false);
  EXPECT_EQ(look("{member=\"a\"}", 0, 5000), name + " 1@2000 stale@3000; ");
  EXPECT_EQ(look("{member=\"a\"}", 0, 5000, Source::Need::newest), name + " stale@3000; ");
  publish(seconds(200), 1, false);
  EXPECT_EQ(look("{member=\"a\"}", 0, 500'000), "");
}

TEST_F(StoreSourceTest, LabelsAreSharedFromLookToLook) {
  publish(seconds(1), 1);
  const StoreSource source(index_, kOffset);
  const auto first = source.select(*parse_matchers("quorumwatch_leaders"), 0, 2'000'000'000);
  publish(seconds(2), 1);
  const auto second =
      source.select(*parse_matchers("{target=\"x\",__name__=~\".*leaders\"}"), 0, 2'000'000'000);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(first[0].labels, second[0].labels);
  EXPECT_EQ(index_.labels(), 1U);
}

TEST_F(StoreSourceTest, AddedLabelsAreMatchedAndShown) {
  index_.set_added({{"job", "quorumwatch"}, {"target", "y"}});
  publish(seconds(1), 1, false);
  const std::string shown =
      "quorumwatch_leaders{job=\"quorumwatch\", system=\"etcd\", target=\"y\"} 1@1000; ";
  EXPECT_EQ(look("quorumwatch_leaders", 0, 5000), shown);
  EXPECT_EQ(look("quorumwatch_leaders{job=\"quorumwatch\"}", 0, 5000), shown);
  EXPECT_EQ(look("{job=~\"quorum.*\"}", 0, 5000), shown);
  EXPECT_EQ(look("quorumwatch_leaders{job!=\"quorumwatch\"}", 0, 5000), "");
  EXPECT_EQ(look("quorumwatch_leaders{job=\"\"}", 0, 5000), "");
  EXPECT_EQ(look("quorumwatch_leaders{target=\"y\"}", 0, 5000), shown) << "they replace a series' own";
  EXPECT_EQ(look("quorumwatch_leaders{target=\"x\"}", 0, 5000), "");
}

TEST_F(StoreSourceTest, WithoutHistoryTheLastRoundIsAllThereIs) {
  store_.set_retention(Nanoseconds(0));
  publish(seconds(1), 1, false);
  publish(seconds(2), 2, false);
  EXPECT_EQ(look("quorumwatch_leaders", 0, 5000),
            "quorumwatch_leaders{system=\"etcd\", target=\"x\"} 2@2000; ");
}

TEST_F(StoreSourceTest, MoreThanTheBudgetIsNotTakenOut) {
  for (int i = 1; i <= 10; ++i) publish(seconds(i), i);
  const StoreSource source(index_, kOffset, 12);
  EXPECT_EQ(source.select(*parse_matchers("quorumwatch_leaders"), 0, 2'000'000'000).size(), 1U);
  EXPECT_FALSE(source.exceeded());
  EXPECT_EQ(source.select(*parse_matchers("quorumwatch_leaders"), 0, 2'000'000'000).size(), 0U);
  EXPECT_TRUE(source.exceeded());
}

TEST_F(StoreSourceTest, TimesBeyondEveryClockAreNoOverflow) {
  publish(seconds(1), 1, false);
  constexpr Millis kLow = std::numeric_limits<Millis>::min();
  constexpr Millis kHigh = std::numeric_limits<Millis>::max();
  const StoreSource source(index_, kOffset);
  EXPECT_EQ(source.select(*parse_matchers("quorumwatch_leaders"), kLow, kHigh).size(), 1U);
  EXPECT_EQ(source.select(*parse_matchers("quorumwatch_leaders"), kHigh, kHigh).size(), 0U);
  EXPECT_EQ(source.select(*parse_matchers("quorumwatch_leaders"), kLow, kLow).size(), 0U);
}

TEST_F(StoreSourceTest, InPiecesIsTheSameAsAtOnce) {
  int second = 0;
  for (int t = 1; t <= 5; ++t) publish(seconds(++second), t);
  const StoreSource source(index_, kOffset);
  for (const auto need : {Source::Need::all, Source::Need::newest}) {
    Ask ask{.matchers = *parse_matchers("{target=\"x\"}"), .from = 0, .to = 2'000'000'000, .need = need};
    const auto expected = source.fetch(ask.matchers, ask.from, ask.to, need);
    store_.mark();
    StoreFetch fetch(index_, kOffset, ask);
    bool done = false;
    for (int pieces = 0; !done; ++pieces) {
      ASSERT_LT(pieces, 100);
      done = fetch.go_on(1);
      // What comes meanwhile is not seen.
      publish(seconds(++second), 100);
    }
    const auto taken = fetch.take();
    ASSERT_EQ(taken->size(), expected->size());
    for (std::size_t i = 0; i < taken->size(); ++i) {
      EXPECT_EQ((*taken)[i].labels, (*expected)[i].labels);
      ASSERT_EQ((*taken)[i].points.size(), (*expected)[i].points.size());
      EXPECT_EQ((*taken)[i].points.back().value, (*expected)[i].points.back().value);
    }
  }
}

TEST_F(StoreSourceTest, GatheredTellsWhatIsMissing) {
  publish(seconds(1), 1);
  Gathered gathered;
  const auto matchers = *parse_matchers("quorumwatch_leaders");
  EXPECT_TRUE(gathered.select(matchers, 0, 2'000'000'000).empty());
  const auto missing = gathered.take_missing();
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_TRUE(gathered.take_missing().empty());
  const StoreSource source(index_, kOffset);
  gathered.add(missing[0],
               source.fetch(missing[0].matchers, missing[0].from, missing[0].to, missing[0].need));
  EXPECT_EQ(gathered.select(matchers, 0, 2'000'000'000).size(), 1U);
  EXPECT_EQ(gathered.points(), 1U);
  EXPECT_TRUE(gathered.take_missing().empty());
}

TEST_F(StoreSourceTest, SelectorsAndLabelsOfTheGoneAreForgotten) {
  publish(seconds(1), 1);
  for (std::size_t i = 0; i < StoreIndex::kMaxSelectors + 10; ++i) look("m" + std::to_string(i), 0, 1);
  EXPECT_LE(index_.selectors(), StoreIndex::kMaxSelectors);
  for (int i = 2; i < 500; ++i) {
    samples_.add(kClaim, 1, {{"member", std::to_string(i)}});
    auto round = std::make_shared<Round>();
    round->target = {.system = "etcd", .name = "x"};
    round->finished = at(seconds(i * 101));
    round->samples = samples_.take();
    store_.publish(std::move(round));
    look("quorumwatch_leader_claim", 0, 500'000'000);
  }
  EXPECT_LE(store_.series(), 2U) << "the last one and the one that has just ended";
  EXPECT_LE(index_.labels(), 130U);
}

}  // namespace
}  // namespace qw::promql
