#include "daemon/journal/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "daemon/journal/event_json.hpp"
#include "tests/unit/journal/scratch.hpp"

namespace qw::journal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Event event(const std::string& what, Change change = Change::happened) {
  Event out;
  out.at = WallTime(seconds(1'795'000'000));
  out.change = change;
  out.what = what;
  return out;
}

/// A journal on a loop of its own.
class JournalTest : public testing::Test {
 protected:
  struct Running {
    Running(asio::io_context& io, async::WorkerPool& pool, Journal::Options options)
        : journal(pool, std::move(options)),
          tasks(io.get_executor(), [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }) {
      journal.on_loaded([this](const Journal::Past& loaded) { past = loaded; });
      tasks.spawn("journal", journal.run());
    }
    Journal journal;
    std::optional<Journal::Past> past;
    async::TaskGroup tasks;
  };

  std::unique_ptr<Running> start(std::string folder, std::size_t recent = 1000) {
    Journal::Options options;
    options.folder = std::move(folder);
    options.recent = recent;
    return std::make_unique<Running>(io, pool, std::move(options));
  }
  void stop(Running& running) {
    running.tasks.cancel();
    until([&] { return running.tasks.size() == 0; });
    bool flushed = false;
    async::TaskGroup last(io.get_executor(),
                          [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    last.spawn("flush", flush(running.journal, flushed));
    until([&] { return flushed && last.size() == 0; });
  }
  static Task<void> flush(Journal& journal, bool& done) {
    co_await journal.flush();
    done = true;
  }
  void until(const std::function<bool()>& holds) {
    const auto limit = std::chrono::steady_clock::now() + seconds(20);
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit);
      io.restart();
      io.run_one_for(milliseconds(5));
    }
  }
  static std::vector<std::string> whats(const Journal& journal) {
    std::vector<std::string> out;
    for (const auto& one : *journal.recent()) out.push_back(one.what);
    return out;
  }

  Scratch scratch;
  asio::io_context io{1};
  async::WorkerPool pool{2};
};

TEST_F(JournalTest, WithoutAFolderItRemembersTheNewest) {
  auto running = start("", 3);
  until([&] { return running->past.has_value(); });
  EXPECT_EQ(running->journal.recent(), running->journal.recent()) << "the same object until an event comes";
  for (const auto* what : {"a", "b", "c", "d"}) running->journal.add({event(what)});
  EXPECT_THAT(whats(running->journal), testing::ElementsAre("b", "c", "d"));
  EXPECT_EQ(running->journal.stats().written, 0U);
  stop(*running);
}

TEST_F(JournalTest, TheNextRunKnowsWhatWasAndWhatIsStillOpen) {
  const auto folder = scratch.path("journal");
  {
    auto running = start(folder);
    running->journal.add({event("early"), event("lasting", Change::began), event("short", Change::began)});
    until([&] { return running->journal.stats().written == 3; });
    running->journal.add({event("short", Change::ended)});
    stop(*running);
    EXPECT_EQ(running->journal.stats().written, 4U);
    EXPECT_GT(running->journal.stats().bytes, 0U);
  }
  auto running = start(folder);
  running->journal.add({event("new")});
  until([&] { return running->past.has_value(); });
  EXPECT_THAT(whats(running->journal), testing::ElementsAre("early", "lasting", "short", "short", "new"));
  ASSERT_EQ(running->past->open.size(), 1U);
  EXPECT_EQ(running->past->open[0].what, "lasting");
  EXPECT_TRUE(running->past->last_alive);
  stop(*running);
}

TEST_F(JournalTest, WhatIsCancelledAtAnyMomentIsWrittenOnce) {
  const auto folder = scratch.path("journal");
  for (int run = 0; run < 15; ++run) {
    auto running = start(folder);
    until([&] { return running->past.has_value(); });
    running->journal.add({event("n" + std::to_string(run))});
    // Before the batch is gathered, while it is written, and after that.
    const auto until_then = std::chrono::steady_clock::now() + milliseconds(80 + 3 * run);
    while (std::chrono::steady_clock::now() < until_then) {
      io.restart();
      io.run_one_for(milliseconds(1));
    }
    stop(*running);
  }
  std::vector<std::string> all;
  ASSERT_TRUE(read_journal(folder, [&](Event one) { all.push_back(one.what); }));
  ASSERT_EQ(all.size(), 15U);
  for (int run = 0; run < 15; ++run) EXPECT_EQ(all[static_cast<std::size_t>(run)], "n" + std::to_string(run));
}

TEST_F(JournalTest, WhatCanNotBeWrittenWaitsAndIsCounted) {
  const auto blocked = scratch.path("file");
  std::ofstream(blocked) << "no folder";
  auto running = start(blocked + "/journal");
  running->journal.add({event("waits")});
  until([&] { return running->journal.stats().errors > 0; });
  EXPECT_NE(running->journal.stats().last_error, "");
  EXPECT_EQ(running->journal.stats().dropped, 0U);
  EXPECT_THAT(whats(running->journal), testing::ElementsAre("waits"));
  std::vector<Event> many(30'000, event("x"));
  running->journal.add(std::move(many));
  EXPECT_GE(running->journal.stats().dropped, 10'000U) << "there is no room to wait";
  stop(*running);
  EXPECT_EQ(running->journal.stats().dropped, 30'001U);
  EXPECT_EQ(running->journal.stats().written, 0U);
}

Task<void> look(const Journal& journal, Search wanted, std::optional<Result<Found>>& into) {
  into = co_await journal.search(std::move(wanted));
}

TEST_F(JournalTest, AnOldEventIsFoundOnDiskAndOneSearchAtATimeReadsIt) {
  const auto folder = scratch.path("journal");
  auto running = start(folder, 10);
  std::vector<Event> events;
  for (int i = 0; i < 500; ++i) {
    events.push_back(event("n" + std::to_string(i)));
    events.back().at += std::chrono::minutes(i);
  }
  running->journal.add(events);
  until([&] { return running->journal.stats().written == 500; });
  EXPECT_EQ(running->journal.recent()->size(), 10U);
  std::optional<Result<Found>> newest, old, meanwhile;
  Search few, some;
  few.limit = 3;
  some.since = events[100].at;
  some.until = events[110].at;
  async::TaskGroup tasks(io.get_executor(),
                         [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  tasks.spawn("old", look(running->journal, some, old));
  tasks.spawn("meanwhile", look(running->journal, some, meanwhile));
  tasks.spawn("newest", look(running->journal, few, newest));
  until([&] { return old && newest && meanwhile; });
  ASSERT_TRUE(*old);
  ASSERT_EQ((*old)->events.size(), 10U);
  EXPECT_EQ((*old)->events.front().what, "n100");
  EXPECT_FALSE((*old)->older_than);
  ASSERT_FALSE(*meanwhile);
  EXPECT_EQ(meanwhile->error().kind(), ErrorKind::rejected);
  ASSERT_TRUE(*newest) << "memory is enough for it";
  EXPECT_EQ((*newest)->events.size(), 3U);
  EXPECT_EQ((*newest)->older_than, events[497].at);
  old.reset();
  tasks.spawn("again", look(running->journal, some, old));
  until([&] { return old.has_value(); });
  EXPECT_TRUE(*old) << "the first search is over";
  stop(*running);
}

TEST_F(JournalTest, WhatIsAddedIsMadeSafe) {
  auto running = start("");
  auto hostile = event("x");
  hostile.text = std::string(1'000'000, '\xff');
  running->journal.add({hostile});
  EXPECT_LE(running->journal.recent()->front().text.size(), kMaxText);
  stop(*running);
}

}  // namespace
}  // namespace qw::journal
