#include <gtest/gtest.h>

#include <cstdlib>

#include "config/config.hpp"
#include "toy_kinds.hpp"

namespace qw::config {
namespace {

constexpr const char* kVariable = "QW_TEST_INSTANCE";

Loaded load_with(const std::string& labels) {
  return load_text(
      "targets:\n  - {system: pond, name: home, members: [a]}\nrules:\n  scrape_labels: " + labels + "\n",
      "x/qw.yml", toy::kinds());
}

TEST(ScrapeLabels, AreWhatIsWrittenOrWhatAVariableHolds) {
  setenv(kVariable, "10.0.0.9:10979", 1);
  const auto loaded = load_with("{job: quorumwatch, instance: env:QW_TEST_INSTANCE}");
  unsetenv(kVariable);
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems[0].print();
  const std::map<std::string, std::string> wanted = {{"job", "quorumwatch"}, {"instance", "10.0.0.9:10979"}};
  EXPECT_EQ(loaded.config.rules.scrape_labels, wanted);
}

TEST(ScrapeLabels, TakeAVariableOnceAndNoOtherWord) {
  setenv(kVariable, "env:HOME", 1);
  const auto loaded =
      load_with("{a: env:QW_TEST_INSTANCE, b: environment, c: 'x env:HOME', d: credential:x}");
  unsetenv(kVariable);
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems[0].print();
  const std::map<std::string, std::string> wanted = {
      {"a", "env:HOME"}, {"b", "environment"}, {"c", "x env:HOME"}, {"d", "credential:x"}};
  EXPECT_EQ(loaded.config.rules.scrape_labels, wanted);
}

TEST(ScrapeLabels, AreNoBytesThatAreNoText) {
  setenv(kVariable, "caf\xe9", 1);
  const auto loaded = load_with("{instance: env:QW_TEST_INSTANCE}");
  unsetenv(kVariable);
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems[0].path, "rules.scrape_labels");
  EXPECT_EQ(loaded.problems[0].text, "instance: the variable 'QW_TEST_INSTANCE' is not UTF-8");
}

}  // namespace
}  // namespace qw::config
