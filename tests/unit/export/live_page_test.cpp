#include "daemon/export/live_page.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <ctime>

#include "daemon/export/page_stream.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

const WallTime kAt(std::chrono::seconds(1'795'253'614));

std::vector<status::Section> page(std::string wrong, std::string rest) {
  return {{.id = "part-wrong", .html = std::move(wrong)}, {.id = "part-rest", .html = std::move(rest)}};
}

TEST(PageHub, TellsWhatIsWrongAtOnceAndAllElseWhenItMayNotWait) {
  PageHub hub;
  EXPECT_TRUE(hub.take(10, page("a", "x"), false, kAt));
  EXPECT_EQ(hub.changes_since(10), nullptr);
  EXPECT_FALSE(hub.take(11, page("a", "y"), false, kAt));
  EXPECT_EQ(hub.changes_since(10), nullptr);
  EXPECT_TRUE(hub.take(12, page("b", "y"), false, kAt));
  EXPECT_EQ(*hub.changes_since(10),
            "event: at\ndata: 2026-11-21T09:33:34.000Z\n\nevent: section\ndata: part-wrong\ndata: b\n\n");
  EXPECT_TRUE(hub.take(13, page("b", "y"), true, kAt));
  EXPECT_NE(hub.changes_since(12)->find("data: part-rest\ndata: y\n\n"), std::string::npos);
  EXPECT_EQ(hub.changes_since(12)->find("part-wrong"), std::string::npos);
  EXPECT_NE(hub.changes_since(0)->find("part-wrong"), std::string::npos) << "who comes late gets everything";
  EXPECT_EQ(hub.changes_since(12), hub.changes_since(12)) << "the same bytes for all";
}

TEST(PageHub, ABeatTellsTheTimeAndNothingElse) {
  PageHub hub;
  hub.take(10, page("a", "x"), false, kAt);
  hub.beat(11, kAt + std::chrono::seconds(10));
  EXPECT_EQ(*hub.changes_since(10), "event: at\ndata: 2026-11-21T09:33:44.000Z\n\n");
}

TEST(PageHub, LinesOfASectionStayLinesOfOneEvent) {
  PageHub hub;
  hub.take(1, page("a\nb", "x"), true, kAt);
  EXPECT_NE(hub.changes_since(0)->find("data: part-wrong\ndata: a\ndata: b\n\n"), std::string::npos);
}

class LivePageTest : public testing::Test {
 protected:
  LivePageTest() { publish("etcd", "control-plane"); }

  void publish(std::string system, std::string name) {
    RoundBuilder builder(std::move(system), std::move(name));
    store_.publish(builder.build());
  }
  status::View view() {
    status::View out;
    out.conditions = conditions_;
    return out;
  }
  void break_it(std::string text) {
    journal::Condition condition;
    condition.severity = journal::Severity::critical;
    condition.target = {.system = "etcd", .name = "control-plane"};
    condition.text = std::move(text);
    condition.since = SystemClock().wall();
    conditions_ = {condition};
  }
  template <class T>
  T wait(Task<T> task) {
    std::optional<T> out;
    tasks_.spawn("wait", keep(std::move(task), out));
    io_.restart();
    while (!out) io_.run_one();
    return std::move(*out);
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& out) {
    out = co_await std::move(task);
  }
  static Task<bool> truly(Task<void> task) {
    co_await std::move(task);
    co_return true;
  }
  static Task<void> read_all(std::shared_ptr<net::ServerStream> stream, std::size_t& pieces,
                             std::size_t& bytes) {
    while (true) {
      const auto piece = co_await stream->next();
      if (!piece) co_return;
      ++pieces;
      bytes += piece->size();
    }
  }
  static std::string since_of(const std::string& page) {
    const auto at = page.find("/events?since=") + 8;
    return page.substr(at, page.find('"', at) - at);
  }

  asio::io_context io_{1};
  async::TaskGroup tasks_{io_.get_executor(),
                          [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
  store::Store store_{store::Store::Options()};
  async::WorkerPool pool_{1};
  std::vector<journal::Condition> conditions_;
  LivePage live_{store_, pool_, [this] { return view(); }};
};

TEST_F(LivePageTest, AStreamTellsWhatHasChangedSinceThePageAndNothingElse) {
  const auto first = wait(live_.page(false));
  EXPECT_NE(first->find("Nothing is wrong."), std::string::npos) << *first;
  auto stream = wait(live_.open(since_of(*first)));
  EXPECT_EQ(live_.streams(), 1U);
  EXPECT_EQ(*wait(stream->next()), "retry: 2000\n\n");
  break_it("nobody leads");
  wait(truly(live_.renew()));
  const auto piece = wait(stream->next());
  EXPECT_NE(piece->find("Nobody leads"), std::string::npos) << *piece;
  EXPECT_EQ(piece->find("part-targets"), std::string::npos) << *piece;
  stream->close();
  EXPECT_EQ(wait(stream->next()), nullptr);
  stream = nullptr;
  EXPECT_EQ(live_.streams(), 0U);
}

TEST_F(LivePageTest, WhoHasAPageOfAnEarlierProcessGetsEverything) {
  wait(live_.page(false));
  const auto stream = wait(live_.open("since=12"));
  wait(stream->next());
  const auto piece = wait(stream->next());
  for (const auto* id : {"part-wrong", "part-targets", "part-timeline"}) {
    EXPECT_NE(piece->find(id), std::string::npos) << id;
  }
}

TEST_F(LivePageTest, WhatHappensIsToldBeforeTheSecondIsOver) {
  const auto first = wait(live_.page(false));
  tasks_.spawn("run", live_.run());
  auto stream = wait(live_.open(since_of(*first)));
  wait(stream->next());
  const SystemClock clock;
  for (const auto* text : {"nobody leads", "everybody leads"}) {
    break_it(text);
    const auto began = clock.steady();
    live_.hurry();
    const auto piece = wait(stream->next());
    // The one is told at once or after 0.4 s, as what came before it was; without hurry it may be 1 s.
    EXPECT_LT(clock.steady() - began, std::chrono::milliseconds(900));
    EXPECT_NE(piece->find(std::string(text).substr(1)), std::string::npos) << *piece;
  }
  tasks_.cancel();
  io_.restart();
  io_.run_for(std::chrono::seconds(5));
  EXPECT_EQ(tasks_.size(), 0U);
}

TEST_F(LivePageTest, ThereAreSoManyStreamsAndNoMore) {
  std::vector<std::shared_ptr<net::ServerStream>> streams;
  for (std::size_t i = 0; i < LivePage::kMostStreams; ++i) streams.push_back(wait(live_.open("")));
  EXPECT_EQ(wait(live_.open("")), nullptr);
  streams.pop_back();
  EXPECT_NE(wait(live_.open("")), nullptr);
  live_.close_streams();
  EXPECT_EQ(wait(streams[0]->next()), nullptr);
}

TEST_F(LivePageTest, ATargetHasAPageUntilItIsForgotten) {
  const TargetId id{"etcd", "control-plane"};
  EXPECT_NE(wait(live_.target(id, false))->find("control-plane"), std::string::npos);
  EXPECT_TRUE(wait(live_.target(id, true))->starts_with("\x1f\x8b"));
  EXPECT_EQ(wait(live_.target({"etcd", "other"}, false)), nullptr);
  store_.forget(id);
  EXPECT_EQ(wait(live_.target(id, false)), nullptr);
}

}  // namespace
}  // namespace qw::exporting
