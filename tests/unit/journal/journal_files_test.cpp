#include "daemon/journal/journal_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "daemon/journal/event_json.hpp"
#include "tests/unit/journal/scratch.hpp"

namespace qw::journal {
namespace {

namespace fs = std::filesystem;

std::string line(int number) {
  Event event;
  event.at = WallTime(std::chrono::seconds(1'795'000'000 + number));
  event.what = "n" + std::to_string(number);
  return encode_event(event) + "\n";
}

struct Read {
  std::vector<std::string> whats;
  ReadOutcome outcome;
};
Read read(const std::string& folder) {
  Read out;
  const auto outcome = read_journal(folder, [&](Event event) { out.whats.push_back(event.what); });
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message());
  if (outcome) out.outcome = *outcome;
  return out;
}

std::size_t size_of(const std::string& folder) {
  std::size_t sum = 0;
  for (const auto& file : fs::directory_iterator(folder)) sum += file.file_size();
  return sum;
}

TEST(JournalFiles, WhatIsAppendedIsReadInOrderOverSeveralRuns) {
  const Scratch scratch;
  EXPECT_FALSE(read(scratch.path("journal")).outcome.last_alive) << "a folder that is not there is empty";
  for (int run = 0; run < 3; ++run) {
    JournalFiles files(scratch.path("journal"));
    ASSERT_TRUE(files.append(line(run * 2) + line(run * 2 + 1), {}));
  }
  const auto all = read(scratch.path("journal"));
  EXPECT_THAT(all.whats, testing::ElementsAre("n0", "n1", "n2", "n3", "n4", "n5"));
  EXPECT_EQ(all.outcome.lines, 6U);
  EXPECT_TRUE(all.outcome.last_alive);
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path("journal")), {}), 1) << "one file goes on";
}

TEST(JournalFiles, ATornOrDamagedLineIsSkippedAndTheNextOnesAreNot) {
  const Scratch scratch;
  const auto folder = scratch.path("journal");
  {
    JournalFiles files(folder);
    ASSERT_TRUE(files.append(line(0) + line(1), {}));
  }
  const auto file = folder + "/00000001.jsonl";
  // The machine stopped in the middle of a write, and its file system has filled what it had promised.
  std::ofstream(file, std::ios::app) << line(2).substr(0, 30);
  {
    JournalFiles files(folder);
    ASSERT_TRUE(files.append(line(3), {}));
  }
  std::ofstream(file, std::ios::app) << std::string(5000, '\0') << '\n'
                                     << std::string(200'000, 'x') << '\n'
                                     << line(4);
  std::ofstream(folder + "/notes.txt") << "somebody else's";
  fs::create_directory(folder + "/00000002.jsonl");
  const auto all = read(folder);
  EXPECT_THAT(all.whats, testing::ElementsAre("n0", "n1", "n3", "n4"));
  EXPECT_EQ(all.outcome.skipped, 3U);
}

TEST(JournalFiles, NeverTakeMoreThanTheirBound) {
  const Scratch scratch;
  const auto folder = scratch.path("journal");
  JournalFiles files(folder);
  JournalFiles::Limits limits;
  limits.max_bytes = 1U << 20U;
  for (int i = 0; i < 1500; ++i) {
    std::string batch;
    for (int j = 0; j < 10; ++j) batch += line(i * 10 + j);
    ASSERT_TRUE(files.append(batch, limits));
    ASSERT_LE(files.bytes(), limits.max_bytes);
  }
  EXPECT_LE(size_of(folder), limits.max_bytes);
  EXPECT_GE(size_of(folder), limits.max_bytes / 2);
  const auto all = read(folder);
  EXPECT_EQ(all.whats.back(), "n14999");
  EXPECT_EQ(all.outcome.skipped, 0U);
}

TEST(JournalFiles, OldFilesGoButNotAllAtOnce) {
  const Scratch scratch;
  const auto folder = scratch.path("journal");
  fs::create_directory(folder);
  for (const auto* name : {"00000001.jsonl", "00000002.jsonl", "00000003.jsonl"}) {
    std::ofstream(folder + "/" + name) << line(1);
    fs::last_write_time(folder + "/" + name, fs::file_time_type::clock::now() - std::chrono::days(400));
  }
  JournalFiles files(folder);
  ASSERT_TRUE(files.append(line(2), {}));
  ASSERT_TRUE(files.append(line(3), {}));
  files.touch({});
  EXPECT_FALSE(fs::exists(folder + "/00000001.jsonl"));
  EXPECT_TRUE(fs::exists(folder + "/00000002.jsonl")) << "a clock that is wrong must not empty the journal";
}

TEST(JournalFiles, AFolderThatIsDeletedIsMadeAgain) {
  const Scratch scratch;
  const auto folder = scratch.path("journal");
  JournalFiles files(folder);
  ASSERT_TRUE(files.append(line(0), {}));
  fs::remove_all(folder);
  ASSERT_TRUE(files.append(line(1), {}));
  EXPECT_THAT(read(folder).whats, testing::ElementsAre("n1"));
}

TEST(JournalFiles, WhatCanNotBeWrittenIsAnError) {
  JournalFiles files("/nowhere/at/all");
  const auto failed = files.append(line(0), {});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), testing::HasSubstr("mkdir /nowhere/at/all"));
}

}  // namespace
}  // namespace qw::journal
