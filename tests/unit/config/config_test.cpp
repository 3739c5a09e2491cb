#include "config/config.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "toy_kinds.hpp"

namespace qw::config {
namespace {

using std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

std::string print(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem.print() + '\n';
  return text;
}

Config load(std::string_view text) {
  auto loaded = load_text(text, "test.yml", toy::kinds());
  EXPECT_EQ(print(loaded.problems), "");
  return std::move(loaded.config);
}

const toy::Pond& pond(const Config& config, std::size_t i = 0) {
  return *std::any_cast<toy::Pond>(&config.targets.at(i).plan);
}

TEST(Config, ReadsEveryTypeOfField) {
  const auto config = load(R"(
targets:
  - system: pond
    name: home:1_a.b-c
    interval: 10s
    timeout: 1500ms
    members: [10.0.0.1:2379, "[::1]:80", 7]
    ducks: 18446744073709551615
    depth: -2.5e1
    frozen: true
    colour: blue
    greeting: "true"
    nickname: ''
    limit: 0
    grace: 1m30s
    ripple: 250ms
    tls: {server_name: x}
    nests:
      - {host: a, eggs: 3}
      - host: b
)");
  ASSERT_EQ(config.targets.size(), 1U);
  const auto& common = config.targets[0].common;
  EXPECT_EQ(common.system, "pond");
  EXPECT_EQ(common.name, "home:1_a.b-c");
  EXPECT_EQ(common.interval, Seconds(10));
  EXPECT_EQ(common.timeout, milliseconds(1500));
  const auto& read = pond(config);
  EXPECT_EQ(read.members, (std::vector<std::string>{"10.0.0.1:2379", "[::1]:80", "7"}));
  EXPECT_EQ(read.ducks, 18446744073709551615ULL);
  EXPECT_EQ(read.depth, -25);
  EXPECT_TRUE(read.frozen);
  EXPECT_EQ(read.colour, "blue");
  EXPECT_EQ(read.greeting, "true");
  EXPECT_EQ(read.nickname, "");
  EXPECT_EQ(read.limit, 0U);
  EXPECT_EQ(read.grace, Seconds(90));
  EXPECT_EQ(read.ripple, milliseconds(250));
  EXPECT_TRUE(read.tls.enabled);
  EXPECT_EQ(read.tls.server_name, "x");
  ASSERT_EQ(read.nests.size(), 2U);
  EXPECT_EQ(read.nests[0].eggs, 3U);
  EXPECT_EQ(read.nests[1].host, "b");
  EXPECT_EQ(read.nests[1].eggs, 2U);
}

TEST(Config, LeavesDefaultsWhereNothingIsSaid) {
  const auto config = load("targets: [{system: pond, name: home, members: [a]}]\n");
  EXPECT_EQ(config.file, "test.yml");
  EXPECT_EQ(config.targets[0].common.interval, Seconds(5));
  EXPECT_EQ(config.targets[0].common.timeout, Seconds(2));
  const auto& read = pond(config);
  EXPECT_EQ(read.ducks, 3U);
  EXPECT_EQ(read.colour, "green");
  EXPECT_FALSE(read.limit);
  EXPECT_FALSE(read.tls.enabled);
  EXPECT_TRUE(read.nests.empty());
}

TEST(Config, AnEmptyTlsMappingIsTls) {
  EXPECT_TRUE(pond(load("targets: [{system: pond, name: home, members: [a], tls: {}}]\n")).tls.enabled);
}

TEST(Config, ListsMayBeEmptyAndTheOrderOfKeysDoesNotMatter) {
  EXPECT_TRUE(load("targets: []\n").targets.empty());
  const auto config =
      load("targets: [{members: [a], name: b, system: lake}]\ndefaults: {timeout: 1s, interval: 3s}\n");
  EXPECT_EQ(config.targets[0].common.interval, Seconds(3));
  EXPECT_EQ(config.default_interval, Seconds(3));
  EXPECT_EQ(config.default_timeout, Seconds(1));
}

TEST(Config, ADefaultTimeoutGivesWayToAShorterInterval) {
  EXPECT_EQ(load("defaults: {interval: 1s}\ntargets: []\n").default_timeout, Seconds(1));
  const auto config = load("targets: [{system: lake, name: b, members: [], interval: 500ms}]\n");
  EXPECT_EQ(config.targets[0].common.timeout, milliseconds(500));
}

TEST(Config, TheSameNameMayServeTwoSystems) {
  EXPECT_EQ(load("targets: [{system: lake, name: a, members: []}, {system: pond, name: a, members: [b]}]\n")
                .targets.size(),
            2U);
}

TEST(Config, AliasesStandForWhatTheyName) {
  const auto config = load(R"(
targets:
  - {system: pond, name: a, members: [x], tls: &tls {server_name: s}, ducks: &n 4}
  - {system: pond, name: b, members: [x], tls: *tls, ducks: *n}
)");
  EXPECT_EQ(pond(config, 1).tls.server_name, "s");
  EXPECT_EQ(pond(config, 1).ducks, 4U);
}

TEST(Config, AProblemInAnAliasedMappingIsToldOnce) {
  const auto loaded = load_text(R"(targets:
  - {system: pond, name: a, members: [x], tls: &tls {verify: no}}
  - {system: pond, name: b, members: [x], tls: *tls}
)",
                                "test.yml", toy::kinds());
  EXPECT_EQ(print(loaded.problems),
            "test.yml:2:54: targets[0].tls: unknown key 'verify'; known here: ca_file, cert_file, key_file, "
            "server_name, "
            "insecure_skip_verify\n");
}

TEST(Config, TakesCommentsMarkersAndAByteOrderMark) {
  EXPECT_TRUE(load("\xEF\xBB\xBF# comment\n---\ntargets: [] # end\n...\n# after\n").targets.empty());
  EXPECT_TRUE(load("targets: []").targets.empty());
  EXPECT_TRUE(load("targets: []\r\n").targets.empty());
  EXPECT_TRUE(load("targets:\n  []\n...\n...\n").targets.empty());
}

TEST(Config, RefusesAnOpenQuoteAtTheEndOfTheFile) {
  for (const auto* text :
       {"targets: [{system: lake, members: [], name: \"b", "targets: []\n\"x", "targets: []\nx: 'y\n"}) {
    const auto loaded = load_text(text, "test.yml", toy::kinds());
    ASSERT_FALSE(loaded.problems.empty()) << text;
    EXPECT_TRUE(loaded.problems[0].text.starts_with("not YAML: ")) << loaded.problems[0].print();
  }
}

TEST(Config, AFileThatIsNotThereIsAProblemOfTheFile) {
  const auto loaded = load_file("/no/such/quorumwatch.yml", toy::kinds());
  EXPECT_EQ(print(loaded.problems),
            "/no/such/quorumwatch.yml: can not read '/no/such/quorumwatch.yml': no such file or directory\n");
  EXPECT_EQ(load_file("/dev/zero", toy::kinds()).problems.size(), 1U);
}

TEST(Config, ProblemsAreCountedButNotAllListed) {
  std::string text = "targets:\n";
  for (int i = 0; i < 3000; ++i) text += "  - {system: lake, name: n" + std::to_string(i) + ", members: 5}\n";
  const auto loaded = load_text(text, "test.yml", toy::kinds());
  ASSERT_EQ(loaded.problems.size(), 1001U);
  EXPECT_EQ(loaded.problems.front().line, 2U);
  EXPECT_EQ(loaded.problems.back().print(),
            "test.yml: 3000 problems; only the first 1000 that were found are listed");
}

TEST(Problem, PrintsWhatItKnows) {
  EXPECT_EQ((Problem{.file = "f", .line = 2, .column = 3, .path = "a.b", .text = "t"}).print(),
            "f:2:3: a.b: t");
  EXPECT_EQ((Problem{.file = "f", .line = 2, .column = 3, .path = "", .text = "t"}).print(), "f:2:3: t");
  EXPECT_EQ((Problem{.file = "f", .line = 0, .column = 0, .path = "", .text = "t"}).print(), "f: t");
}

}  // namespace
}  // namespace qw::config
