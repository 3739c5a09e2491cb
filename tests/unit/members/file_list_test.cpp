#include "daemon/members/file_list.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/scratch_folder.hpp"
#include "tests/unit/members/support.hpp"

namespace qw::members {
namespace {

using test::Texts;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class FileListTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  /// As whoever takes care writes: never half a file, and always another one.
  void put(const std::string& name, const std::string& text) const {
    const auto beside = folder_.write("." + name + ".new", text);
    std::filesystem::rename(beside, path(name));
  }
  void put_targets(const std::string& name, const std::string& targets) const {
    put(name, fmt::format("- targets: [{}]\n", targets));
  }
  FileList list(const Texts& patterns) const {
    Texts paths;
    for (const auto& pattern : patterns) paths.push_back(path(pattern));
    return FileList(test::sources(paths));
  }

  config::ScratchFolder folder_;
};

TEST_F(FileListTest, ReadsEveryFileThatMatches) {
  put_targets("etcd-a.yml", "a, 'b:8'");
  put_targets("etcd-b.yml", "c");
  put_targets("redis.yml", "never");
  put_targets("other.yml", "d");
  auto files = list({"etcd-*.yml", "other.yml"});
  const auto seen = files.look();
  EXPECT_THAT(seen.addresses, UnorderedElementsAre("a:7", "b:8", "c:7", "d:7"));
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(FileListTest, SeesWhatChangedAndReadsNothingElse) {
  put_targets("m.yml", "a");
  auto files = list({"m.yml"});
  EXPECT_THAT(files.look().addresses, ElementsAre("a:7"));
  // The same file to all appearances: it is not read, so that what was put into it by stealth is not seen.
  put_targets("m.yml", "b");
  EXPECT_THAT(files.look().addresses, ElementsAre("b:7"));
  EXPECT_THAT(files.look().addresses, ElementsAre("b:7"));
}

TEST_F(FileListTest, FollowsTheSymbolicLinksOfAConfigMap) {
  folder_.write("..1/m.yml", "- targets: [a]\n");
  folder_.write("..2/m.yml", "- targets: [b]\n");
  std::filesystem::create_symlink("..1", path("..data"));
  std::filesystem::create_symlink("..data/m.yml", path("m.yml"));
  auto files = list({"*.yml"});
  EXPECT_THAT(files.look().addresses, ElementsAre("a:7"));
  std::filesystem::create_symlink("..2", path("..data_tmp"));
  std::filesystem::rename(path("..data_tmp"), path("..data"));
  EXPECT_THAT(files.look().addresses, ElementsAre("b:7"));
}

TEST_F(FileListTest, AWrongFileKeepsItsLastGoodList) {
  put_targets("m.yml", "a, b");
  auto files = list({"*.yml"});
  files.look();
  put("m.yml", "- targets: [a, 'b c']\n");
  for (int i = 0; i < 2; ++i) {
    const auto seen = files.look();
    EXPECT_THAT(seen.addresses, ElementsAre("a:7", "b:7"));
    EXPECT_THAT(seen.problems,
                ElementsAre(path("m.yml") +
                            ":1:16: [0].targets[1]: 'b c': an address has no blanks or control characters"));
  }
  put_targets("m.yml", "c");
  const auto seen = files.look();
  EXPECT_THAT(seen.addresses, ElementsAre("c:7"));
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(FileListTest, OneThatWasNeverGoodGivesNothing) {
  put("m.yml", "- targets: [a, /]\n");
  auto files = list({"m.yml"});
  const auto seen = files.look();
  EXPECT_THAT(seen.addresses, IsEmpty());
  EXPECT_THAT(seen.problems, ElementsAre(HasSubstr("m.yml:1:16: [0].targets[1]: '/': ")));
}

TEST_F(FileListTest, OneOfSeveralThatIsGoneTakesItsMembersWithItAtTheSecondLook) {
  put_targets("m-1.yml", "a");
  put_targets("m-2.yml", "b");
  auto files = list({"m-*.yml"});
  files.look();
  std::filesystem::remove(path("m-2.yml"));
  EXPECT_THAT(files.look().addresses, UnorderedElementsAre("a:7", "b:7")) << "an editor may be at it";
  const auto seen = files.look();
  EXPECT_THAT(seen.addresses, ElementsAre("a:7"));
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(FileListTest, WhereAllAreGoneTheLastListStays) {
  put_targets("m-1.yml", "a");
  for (const char* pattern : {"m-*.yml", "m-1.yml"}) {
    put_targets("m-1.yml", "a");
    auto files = list({pattern});
    files.look();
    std::filesystem::remove(path("m-1.yml"));
    for (int i = 0; i < 3; ++i) {
      const auto seen = files.look();
      EXPECT_THAT(seen.addresses, ElementsAre("a:7")) << pattern;
      EXPECT_THAT(seen.problems, ElementsAre(path(pattern) + ": the file is gone"));
    }
  }
}

TEST_F(FileListTest, TellsAFileThatIsNotThereFromAPatternWithoutMatch) {
  auto files = list({"m.yml", "m-*.yml", "folder/*.json"});
  const auto seen = files.look();
  EXPECT_THAT(seen.problems, IsEmpty());
  EXPECT_THAT(seen.absent, ElementsAre(path("m.yml") + ": there is no such file yet"));
  EXPECT_EQ(seen.unmatched.size(), 2U);
}

TEST_F(FileListTest, ReadsNoFolderNoPipeAndNotTooMuch) {
  std::filesystem::create_directory(path("folder.yml"));
  ASSERT_EQ(::system(("mkfifo " + path("pipe.yml")).c_str()), 0);
  put("large.yml", std::string((1U << 20U) + 1, '#'));
  auto files = list({"*.yml"});
  EXPECT_THAT(files.look().problems, UnorderedElementsAre(HasSubstr("folder.yml': not a regular file"),
                                                          HasSubstr("pipe.yml': not a regular file"),
                                                          HasSubstr("large.yml': larger than 1024 KiB")));
}

TEST_F(FileListTest, ManyFilesTogetherHaveACapToo) {
  for (int file = 0; file < 2; ++file) {
    std::string text = "- targets:\n";
    for (int i = 0; i < 4000; ++i) text += fmt::format("  - h{}\n", file * 200 + i);
    put(fmt::format("m-{}.yml", file), text);
  }
  auto files = list({"m-*.yml"});
  const auto seen = files.look();
  EXPECT_EQ(seen.addresses.size(), 4096U);
  EXPECT_THAT(seen.problems, ElementsAre("the files together have more than 4096 addresses"));
}

TEST_F(FileListTest, MatchesAtMostSoManyFiles) {
  put_targets("m-0.yml", "first");
  auto files = list({"m-*.yml"});
  files.look();
  for (std::size_t i = 1; i <= kMaxFiles; ++i) put_targets(fmt::format("m-{}.yml", i), "x");
  const auto seen = files.look();
  EXPECT_THAT(seen.addresses, ElementsAre("first:7"));
  EXPECT_THAT(seen.problems, ElementsAre(HasSubstr("matches more than 64 files")));
}

}  // namespace
}  // namespace qw::members
