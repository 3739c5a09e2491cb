// The example that is shipped, against the kinds of target that the program really has: it loads, with and
// without its commented-out keys. (config/REFERENCE.md is held to the program in
// tests/unit/app/golden_test.cpp.)
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/base/text.hpp"
#include "probes/probe.hpp"
#include "scratch_folder.hpp"

namespace qw::config {
namespace {

const std::filesystem::path kConfig = std::filesystem::path(QW_SOURCE_DIR) / "config";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Kind> real_kinds() {
  std::vector<Kind> kinds;
  for (const auto* kind : probes::probe_kinds()) {
    kinds.push_back({.system = kind->system,
                     .summary = kind->summary,
                     .read = [read = kind->read](Fields& fields) { return std::any(read(fields)); }});
  }
  return kinds;
}

std::string print(const Loaded& loaded) {
  std::string text;
  for (const auto& problem : loaded.problems) text += problem.print() + '\n';
  return text;
}

// A commented-out key is `# key: value` where keys of a target stand; in prose there no first word has a
// colon.
std::string with_all_keys(const std::string& text) {
  std::string all;
  for (const auto line : split(text, '\n')) {
    const auto at = line.find_first_not_of(' ');
    const bool comment = at == 4 && line.substr(at).starts_with("# ");
    const auto word = comment ? line.substr(at + 2) : std::string_view();
    const auto end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
    const bool key = end != std::string_view::npos && end > 0 && word.substr(end).starts_with(": ");
    all += key ? std::string(at, ' ') + std::string(word) : std::string(line);
    all += '\n';
  }
  return all;
}

TEST(Example, LoadsAsItIs) {
  const auto loaded = load_file((kConfig / "quorumwatch.example.yml").string(), real_kinds());
  EXPECT_EQ(print(loaded), "");
  ASSERT_EQ(loaded.config.targets.size(), 5U);
  EXPECT_EQ(loaded.config.targets[0].common.name, "control-plane");
  EXPECT_EQ(loaded.config.targets[1].common.interval, std::chrono::seconds(1));
}

TEST(Example, LoadsWithItsCommentedOutKeysOnceTheirFilesAreThere) {
  const ScratchFolder folder;
  for (const auto* name :
       {"etcd-ca.crt", "etcd.crt", "etcd.key", "redis.password", "etcd", "postgres.password",
        "postgres-ca.crt", "kafka-ca.crt", "kafka.password", "alertmanager.password"})
    folder.write(name, "x\n");
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  const auto text = with_all_keys(read(kConfig / "quorumwatch.example.yml"));
  const auto loaded = load_file(folder.write("quorumwatch.yml", text), real_kinds());
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(print(loaded), "");
  for (const auto* key : {"\n    tls: {", "\n    password_file: redis", "\n    password_file: cred",
                          "\n    election_timeout: 1s", "\n    sslmode: verify-ca", "\n    sasl: {"}) {
    EXPECT_TRUE(text.contains(key)) << key;
  }
}

}  // namespace
}  // namespace qw::config
