#include "daemon/journal/journal_search.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "daemon/journal/event_json.hpp"
#include "daemon/journal/journal_files.hpp"
#include "tests/unit/journal/scratch.hpp"

namespace qw::journal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr std::size_t kPlenty = 1U << 30U;

WallTime at(int second) {
  return WallTime(seconds(1'795'000'000 + second));
}

Event event(int second, const std::string& text = "") {
  Event out;
  out.at = at(second);
  out.kind = second % 2 == 0 ? Kind::target : Kind::election;
  out.target = {.system = "etcd", .name = second % 3 == 0 ? "three" : "other"};
  out.what = fmt::format("n{}", second);
  out.text = text;
  return out;
}

std::vector<std::string> whats(const Found& found) {
  std::vector<std::string> out;
  for (const auto& one : found.events) out.push_back(one.what);
  return out;
}

class JournalSearch : public testing::Test {
 protected:
  /// In files of at least 64 kB each.
  void write(const std::vector<Event>& events, std::size_t most_bytes = 1U << 20U) {
    JournalFiles files(folder);
    JournalFiles::Limits limits;
    limits.max_bytes = most_bytes;
    std::string lines;
    for (const auto& one : events) {
      lines += encode_event(one) + "\n";
      if (lines.size() < 30'000 && &one != &events.back()) continue;
      ASSERT_TRUE(files.append(std::exchange(lines, ""), limits));
    }
  }
  Found search(const Search& wanted, const std::vector<Event>& recent = {}, std::size_t bytes = kPlenty) {
    auto found = search_journal(folder, wanted, recent, bytes);
    EXPECT_TRUE(found) << found.error().message();
    return found ? std::move(*found) : Found();
  }
  static Search until(int second, std::size_t limit) {
    Search out;
    out.until = at(second);
    out.limit = limit;
    return out;
  }

  Scratch scratch;
  std::string folder = scratch.path("journal");
};

TEST_F(JournalSearch, FindsByTimeTargetAndKind) {
  EXPECT_TRUE(search({}).events.empty()) << "a folder that is not there is empty";
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i) events.push_back(event(i));
  write(events);
  Search wanted = until(14, 1000);
  wanted.since = at(3);
  wanted.kind = Kind::election;
  wanted.target = "etcd/three";
  const auto found = search(wanted);
  EXPECT_THAT(whats(found), ElementsAre("n3", "n9"));
  EXPECT_FALSE(found.older_than);
  EXPECT_EQ(search({}).events, events);
}

TEST_F(JournalSearch, WhatIsInMemoryTooIsFoundOnce) {
  std::vector<Event> events;
  for (int i = 0; i < 6; ++i) events.push_back(event(i));
  write({events.begin(), events.begin() + 4});
  EXPECT_EQ(search({}, {events.begin() + 2, events.end()}).events, events);
}

TEST_F(JournalSearch, PagesOfManyFilesHaveEveryEventOnce) {
  std::vector<Event> events;
  // Several of the same millisecond, some that are told late, and lines of any length.
  for (int i = 0; i < 3000; ++i) {
    auto one = event(i / 3 * 10, std::string(static_cast<std::size_t>(i) * 37 % 900, 'x'));
    one.what = fmt::format("n{}", i);
    if (i % 50 == 7) one.at -= seconds(10);
    events.push_back(one);
  }
  write(events, 2U << 20U);
  ASSERT_GT(std::distance(std::filesystem::directory_iterator(folder), {}), 5);
  for (const auto bytes : {kPlenty, std::size_t(400'000)}) {
    std::multiset<std::string> seen;
    Search wanted;
    wanted.limit = 100;
    for (int pages = 0; pages < 300; ++pages) {
      const auto found = search(wanted, {}, bytes);
      EXPECT_TRUE(std::ranges::is_sorted(found.events, {}, &Event::at));
      EXPECT_LE(found.events.size(), wanted.limit + 8);
      for (const auto& one : found.events) seen.insert(one.what);
      if (!found.older_than) break;
      ASSERT_LT(*found.older_than, wanted.until) << "every page must lead further back";
      wanted.until = *found.older_than;
    }
    EXPECT_EQ(seen.size(), events.size()) << bytes;
    for (const auto& one : events) EXPECT_EQ(seen.count(one.what), 1U) << one.what << " with " << bytes;
  }
}

TEST_F(JournalSearch, WhatIsDamagedOrLongerThanAnyLineIsPassedOver) {
  write({event(1), event(2)});
  const auto file = folder + "/00000001.jsonl";
  std::ofstream(file, std::ios::app) << std::string(1'000'000, 'x') << "\n{}\n\n"
                                     << encode_event(event(3)) << "\n"
                                     << encode_event(event(4)).substr(0, 40);
  EXPECT_THAT(whats(search({})), ElementsAre("n1", "n2", "n3"));
}

TEST_F(JournalSearch, ReadsNoMoreThanItMay) {
  std::vector<Event> events;
  for (int i = 0; i < 4000; ++i) events.push_back(event(i, std::string(900, 'x')));
  write(events, 8U << 20U);
  Search wanted;
  wanted.target = "nobody";
  const auto found = search(wanted, {}, 600'000);
  EXPECT_TRUE(found.events.empty());
  ASSERT_TRUE(found.older_than);
  // Some 600 of the newest, and a minute for what is told late.
  EXPECT_GT(*found.older_than, at(3000));
  EXPECT_LT(*found.older_than, at(3700));
  wanted.until = at(100);
  EXPECT_FALSE(search(wanted, {}, 600'000).older_than) << "what is newer is passed over and not read";
}

TEST_F(JournalSearch, WhatIsOfTheSameMillisecondStaysTogether) {
  std::vector<Event> events;
  for (int i = 0; i < 9; ++i) {
    auto one = event(1);
    one.what = fmt::format("n{}", i);
    one.at += milliseconds(i / 3) + Nanoseconds(i);
    events.push_back(one);
  }
  Search wanted;
  wanted.limit = 4;
  const auto found = newest_of(events, wanted);
  EXPECT_THAT(whats(found), ElementsAre("n3", "n4", "n5", "n6", "n7", "n8"));
  EXPECT_EQ(found.older_than, at(1) + milliseconds(1));
  wanted.until = *found.older_than;
  EXPECT_THAT(whats(newest_of(events, wanted)), ElementsAre("n0", "n1", "n2"));
}

}  // namespace
}  // namespace qw::journal
