// Every tests/golden/config/NAME.yml is a bad configuration; NAME.txt beside it has the problems, exactly as
// `quorumwatch check` prints them. Adding a case is adding a file; QW_UPDATE_GOLDEN=1 writes the second one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/web.hpp"
#include "toy_kinds.hpp"

namespace qw::config {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(QW_SOURCE_DIR) / "tests/golden/config";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yml") found.push_back(entry.path().stem().string());
  }
  std::ranges::sort(found);
  return found;
}

// Without the folder, which is another one on every machine.
std::string print(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.print() + '\n';
  const std::string folder = kFolder.string() + "/";
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
    text.erase(at, folder.size());
  return text;
}

class BadFile : public ::testing::TestWithParam<std::string> {};

TEST_P(BadFile, HasExactlyTheseProblems) {
  unsetenv("CREDENTIALS_DIRECTORY");
  const auto yml = kFolder / (GetParam() + ".yml");
  const auto txt = kFolder / (GetParam() + ".txt");
  const bool web = GetParam().starts_with("web_");
  const auto problems =
      web ? load_web_file(yml.string()).problems : load_file(yml.string(), toy::kinds()).problems;
  const std::string printed = print(problems);
  EXPECT_FALSE(problems.empty()) << "a file without problems does not belong here";
  EXPECT_TRUE(std::ranges::is_sorted(problems, {}, &Problem::line));
  if (std::getenv("QW_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(txt, std::ios::binary) << printed;
    return;
  }
  EXPECT_EQ(printed, read(txt)) << "QW_UPDATE_GOLDEN=1 writes " << txt;
}

INSTANTIATE_TEST_SUITE_P(Golden, BadFile, ::testing::ValuesIn(names()),
                         [](const ::testing::TestParamInfo<std::string>& test) { return test.param; });

TEST(BadFiles, AreThere) {
  EXPECT_GE(names().size(), 40U);
}

}  // namespace
}  // namespace qw::config
