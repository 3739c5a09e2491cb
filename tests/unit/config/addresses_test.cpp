#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "config/config.hpp"
#include "scratch_folder.hpp"

namespace qw::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Texts = std::vector<std::string>;

Result<std::string> lower_case_only(const std::string& text) {
  for (const char c : text) {
    if (c < 'a' || c > 'z') return fail(ErrorKind::config, "expected letters");
  }
  return text;
}

struct Herd {
  Texts cows, dogs;
  bool finds_cows = false, finds_dogs = false;
  std::string secret;
};

std::any read_herd(Fields& fields) {
  Herd herd;
  herd.finds_cows = fields.addresses("cows", &herd.cows, {.canonical = lower_case_only}, "The cows.");
  herd.finds_dogs = fields.addresses("dogs", &herd.dogs, {.required = false}, "The dogs.");
  SecretFile secret;
  fields.optional("secret_file", &secret, "");
  herd.secret = secret.value.reveal();
  fields.check("cows", herd.cows.size() < 3, "has more than 2 cows");
  fields.note_port(static_cast<std::uint16_t>(100 + herd.cows.size()));
  return herd;
}

const std::array<Kind, 1> kKinds{{{.system = "herd", .summary = "Cows", .read = read_herd}}};

Loaded load(const std::string& keys, const std::string& file = "farm/qw.yml") {
  return load_text("targets:\n  - {system: herd, name: h, " + keys + "}\n", file, kKinds);
}
Texts problems(const std::string& keys) {
  Texts out;
  for (const auto& problem : load(keys).problems) out.push_back(problem.print());
  return out;
}
Herd herd_of(const std::any& plan) {
  return std::any_cast<Herd>(plan);
}

TEST(Addresses, AListIsAListAsEver) {
  const auto loaded = load("cows: [a, b]");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto& target = loaded.config.targets.at(0);
  EXPECT_THAT(herd_of(target.plan).cows, ElementsAre("a", "b"));
  EXPECT_FALSE(herd_of(target.plan).finds_cows);
  EXPECT_THAT(target.sources, IsEmpty());
  EXPECT_FALSE(target.read_with);
}

TEST(Addresses, AMappingSaysWhereTheyAre) {
  const auto loaded = load(
      "cows: {files: ['sub/*.yml', /abs.json], dns: [_moo._tcp.farm, barn], addresses: [a], refresh: 7s}");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto& target = loaded.config.targets.at(0);
  EXPECT_TRUE(herd_of(target.plan).finds_cows);
  EXPECT_FALSE(herd_of(target.plan).finds_dogs);
  EXPECT_THAT(herd_of(target.plan).cows, ElementsAre("a"));
  ASSERT_EQ(target.sources.size(), 1U);
  const auto& sources = target.sources.front();
  EXPECT_EQ(sources.key, "cows");
  EXPECT_THAT(sources.files, ElementsAre("farm/sub/*.yml", "/abs.json"));
  EXPECT_THAT(sources.dns, ElementsAre("_moo._tcp.farm", "barn"));
  EXPECT_EQ(sources.refresh, std::chrono::seconds(7));
}

TEST(Addresses, ATargetIsReadAgainWithWhatWasFound) {
  const ScratchFolder folder;
  const auto secret = folder.write("secret", "one");
  auto loaded = load("cows: {files: [c.yml]}, dogs: {dns: [dogs]}, secret_file: " + secret);
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto read = std::move(loaded.config.targets.at(0).read_with);
  loaded = {};  // it needs nothing of the rest
  const auto plan = read({{"cows", {"x", "y"}}, {"dogs", {"rex"}}});
  EXPECT_EQ(plan.problems, "");
  EXPECT_THAT(herd_of(plan.plan).cows, ElementsAre("x", "y"));
  EXPECT_THAT(herd_of(plan.plan).dogs, ElementsAre("rex"));
  EXPECT_EQ(herd_of(plan.plan).secret, "one");
  EXPECT_THAT(plan.ports, ElementsAre(102));
  EXPECT_THAT(read({{"cows", {"x", "y", "z"}}}).problems,
              HasSubstr("qw.yml:2:35: targets[0].cows: has more than 2 cows"));
}

TEST(Addresses, WhatIsFoundIsNoPartOfTheFingerprint) {
  const auto fingerprint = [](const std::string& keys) {
    return load(keys).config.targets.at(0).fingerprint;
  };
  EXPECT_EQ(fingerprint("cows: {files: [c.yml]}"), fingerprint("cows: {files: [ c.yml ]}"));
  EXPECT_NE(fingerprint("cows: {files: [c.yml]}"), fingerprint("cows: {files: [d.yml]}"));
}

TEST(Addresses, WhatIsWrongHasItsPlace) {
  EXPECT_THAT(problems("cows: {file: [c.yml]}"),
              ElementsAre("farm/qw.yml:2:36: targets[0].cows: unknown key 'file'; did you mean 'files'?"));
  EXPECT_THAT(problems("cows: {addresses: [a]}"), ElementsAre(HasSubstr("says neither 'files' nor 'dns'")));
  EXPECT_THAT(problems("cows: {}"), ElementsAre(HasSubstr("says neither 'files' nor 'dns'")));
  EXPECT_THAT(problems("cows: barn"), ElementsAre(HasSubstr("cows: expected a list, got 'barn'")));
  EXPECT_THAT(problems("dogs: [a]"), ElementsAre(HasSubstr("missing key 'cows'")));
  EXPECT_THAT(problems("cows: {files: [c.yml], refresh: 1s}"), ElementsAre(HasSubstr("must be at least 5s")));
  EXPECT_THAT(problems("cows: {files: [c.yml], addresses: [A]}"),
              ElementsAre(HasSubstr("cows.addresses: 'A': expected letters")));
  EXPECT_THAT(problems("cows: {dns: [A]}"), ElementsAre(HasSubstr("cows.dns: 'A': expected letters")));
  for (const auto* name : {"_moo", "_moo._tcp.a b", "_moo._tcp..farm", "_moo._tcp.farm."})
    EXPECT_THAT(problems(std::string("cows: {dns: ['") + name + "']}"),
                ElementsAre(HasSubstr("expected a service such as")))
        << name;
}

TEST(Addresses, PatternsAreThoseOfPrometheus) {
  for (const auto* good : {"a.yml", "a/b.json", "*.yaml", "a/b*c.yml", "a/*.json"})
    EXPECT_THAT(problems(std::string("cows: {files: ['") + good + "']}"), IsEmpty()) << good;
  for (const auto* bad : {"a.txt", "a", "*", "a/*/b.yml", "a*b*.yml", "a.yml/*", "''"})
    EXPECT_THAT(problems(std::string("cows: {files: [\"") + bad + "\"]}"),
                ElementsAre(HasSubstr("expected a file that ends in")))
        << bad;
}

TEST(Addresses, TheReferenceTellsOfBoth) {
  const auto text = print_reference(kKinds);
  EXPECT_THAT(text, HasSubstr("| `cows` | addresses | required | The cows. |\n"));
  EXPECT_THAT(text, HasSubstr("| `dogs` | addresses |  | The dogs. |\n"));
  EXPECT_THAT(text, HasSubstr("\n## Addresses that are found\n"));
  EXPECT_THAT(text, HasSubstr("| `refresh` | duration | `30s` | "));
}

}  // namespace
}  // namespace qw::config
