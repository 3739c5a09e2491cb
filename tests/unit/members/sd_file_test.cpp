#include "daemon/members/sd_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qw::members {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Addresses where the file is good, else its problems.
std::vector<std::string> read(std::string_view text, const std::string& file = "sd.yml") {
  const auto sd = read_sd_file(text, file);
  std::vector<std::string> out;
  for (const auto& problem : sd.problems) out.push_back(problem.print());
  for (const auto& address : sd.addresses) out.push_back(address.text);
  return out;
}

// The shapes that Prometheus' documentation and its own tests of file_sd have.
TEST(SdFile, ReadsWhatPrometheusReads) {
  EXPECT_THAT(read("- targets: ['localhost:9090', 'example.org:443']\n  labels:\n    foo: bar\n"
                   "- targets: ['my.domain']\n"),
              ElementsAre("localhost:9090", "example.org:443", "my.domain"));
  EXPECT_THAT(read(R"([
  {
    "targets": ["localhost:9090", "example.org:443"],
    "labels": {
      "foo": "bar"
    }
  },
  {
    "targets": ["my.domain"]
  }
])",
                   "sd.json"),
              ElementsAre("localhost:9090", "example.org:443", "my.domain"));
  EXPECT_THAT(read("[{\"targets\":[\"a:1\"],\"labels\":{}}]", "sd.json"), ElementsAre("a:1"));
  EXPECT_THAT(read("[]", "sd.json"), IsEmpty());
  EXPECT_THAT(read("", "sd.yml"), IsEmpty());
  EXPECT_THAT(read("- targets:\n"), IsEmpty());
  EXPECT_THAT(read("- labels: {rack: 7}\n  targets: [a]\n"), ElementsAre("a"));
}

// What jq --tab and Go's MarshalIndent write, and what JSON may escape.
TEST(SdFile, ReadsAllOfJson) {
  EXPECT_THAT(
      read("[\n\t{\n\t\t\"targets\":\t[\"a:1\"],\n\t\t\"labels\": {\"x\": null}\n\t}\n]\n", "sd.json"),
      ElementsAre("a:1"));
  EXPECT_THAT(read(R"([{"targets": ["\u0061:1"], "labels": {"face": "\ud83d\ude00", "path": "\/a\\\"b"}}])",
                   "sd.json"),
              ElementsAre("a:1"));
}

TEST(SdFile, RefusesWithPlaces) {
  EXPECT_THAT(read("- target: [a]\n"),
              ElementsAre("sd.yml:1:3: [0]: unknown key 'target'; known here: targets, labels"));
  EXPECT_THAT(read("targets: [a]\n"),
              ElementsAre("sd.yml:1:1: expected a list of mappings, each with 'targets' and 'labels'"));
  EXPECT_THAT(read("- targets: a\n"), ElementsAre("sd.yml:1:12: [0].targets: expected a list of addresses"));
  EXPECT_THAT(read("- targets:\n  - a\n  - [b]\n  - ''\n"),
              ElementsAre("sd.yml:3:5: [0].targets[1]: expected an address",
                          "sd.yml:4:5: [0].targets[2]: expected an address"));
  EXPECT_THAT(read("- targets: [a]\n  targets: [b]\n"),
              ElementsAre("sd.yml:2:3: [0]: duplicate key 'targets'"));
  EXPECT_THAT(read("- targets: [a]\n  labels: [b]\n"),
              ElementsAre("sd.yml:2:11: [0].labels: expected a mapping of texts"));
  EXPECT_THAT(read("- \n"), ElementsAre(HasSubstr("[0]: expected a mapping with 'targets' and 'labels'")));
  EXPECT_THAT(read("[{\"targets\": [7]}]", "sd.json"),
              ElementsAre("sd.json:1:15: [0].targets[0]: expected an address"));
  EXPECT_THAT(read("[{\"targets\": [\"a\"], \"labels\": {\"x\": 1}}]", "sd.json"),
              ElementsAre(HasSubstr("[0].labels.x: expected a text")));
  EXPECT_THAT(read("", "sd.json"), ElementsAre("sd.json: nothing in the file; nobody at all is []"));
}

TEST(SdFile, RefusesHalfAFile) {
  EXPECT_THAT(read("[{\"targets\": [\"a:1\", \"b:", "sd.json"),
              ElementsAre("sd.json:2:1: not YAML: a quote is still open here, where the document ends"));
  EXPECT_THAT(read("[{\"targets\": [\"a:1\"]}", "sd.json"), ElementsAre(HasSubstr("sd.json:")));
}

TEST(SdFile, HasCaps) {
  EXPECT_THAT(read(std::string(kMaxFileBytes + 1, '#')), ElementsAre("sd.yml: larger than 1024 KiB"));
  std::string many = "- targets:\n";
  for (std::size_t i = 0; i < kMaxAddresses; ++i) many += fmt::format("  - h{}\n", i);
  EXPECT_EQ(read_sd_file(many, "sd.yml").addresses.size(), kMaxAddresses);
  EXPECT_THAT(read(many + "  - more\n"), ElementsAre("sd.yml: has more than 4096 addresses"));
}

}  // namespace
}  // namespace qw::members
