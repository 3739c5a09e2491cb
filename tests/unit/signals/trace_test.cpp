// The signals against what members of real clusters said while they were broken (tests/traces).
#include "tests/traces/trace.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "story.hpp"

namespace qw::signals {
namespace {

std::vector<std::filesystem::path> traces() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(QW_SOURCE_DIR "/tests/traces")) {
    if (entry.path().extension() == ".trace") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

class RecordedTrace : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(RecordedTrace, ComesOutAsItHappened) {
  std::ifstream in(GetParam());
  const auto trace = traces::read_trace(in);
  ASSERT_GT(trace.rounds.size(), 10U);
  ASSERT_FALSE(trace.expectations.empty());

  Story story(trace.rounds.front().looks.at(0).traits);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::map<std::string, double> highest;
  std::map<std::string, double> lowest;
  for (const auto& round : trace.rounds) {
    story.judgement().begin();
    for (const auto& look : round.looks) story.judgement().observe(look);
    story.report(round.finished);
    for (const auto& [series, value] : story.values()) {
      highest[series] = std::max(highest.emplace(series, -kInfinity).first->second, value);
      lowest[series] = std::min(lowest.emplace(series, kInfinity).first->second, value);
    }
  }
  EXPECT_FALSE(story.repeated());
  for (const auto& [when, series, expected] : trace.expectations) {
    SCOPED_TRACE(when + " " + series);
    ASSERT_TRUE(highest.contains(series)) << "no round had this series";
    if (when == "last") {
      EXPECT_EQ(story.value(series), expected);
    } else {
      EXPECT_EQ((when == "max" ? highest : lowest)[series], expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RecordedTrace, ::testing::ValuesIn(traces()),
                         [](const auto& trace) { return trace.param.stem().string(); });

}  // namespace
}  // namespace qw::signals
