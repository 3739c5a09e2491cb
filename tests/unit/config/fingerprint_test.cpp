#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>

#include "config/config.hpp"
#include "config/files.hpp"
#include "scratch_folder.hpp"
#include "toy_kinds.hpp"

namespace qw::config {
namespace {

constexpr const char* kFile = R"(defaults: {interval: 5s, timeout: 2s}
targets:
  - system: pond
    name: home
    members: [a, b]
    password_file: home.password
    tls: {ca_file: ca.crt, cert_file: own.crt, key_file: own.key}
  - {system: lake, name: other, members: []}
)";

class Fingerprint : public ::testing::Test {
 protected:
  Fingerprint() {
    for (const auto* name : {"home.password", "ca.crt", "own.crt", "own.key"}) folder_.write(name, name);
  }
  std::uint64_t load(const std::string& text = kFile) {
    const auto loaded = load_file(folder_.write("qw.yml", text), toy::kinds());
    EXPECT_TRUE(loaded.problems.empty()) << loaded.problems[0].print();
    other_ = loaded.config.targets.at(1).fingerprint;
    return loaded.config.targets.at(0).fingerprint;
  }
  static std::string with(std::string_view from, std::string_view to) {
    std::string text = kFile;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
  }
  ScratchFolder folder_;
  std::uint64_t other_ = 0;
};

TEST_F(Fingerprint, StaysWhenOnlyTheLooksOfTheFileChange) {
  const auto before = load();
  EXPECT_EQ(load(), before);
  EXPECT_EQ(load(with("    members: [a, b]\n", "    # comment\n    members:\n      - a\n      - b\n\n")),
            before);
  EXPECT_EQ(load(with("[a, b]", "&m [&a a, b]")), before);
}

TEST_F(Fingerprint, ChangesWithTheTargetAndOnlyWithIt) {
  const auto before = load();
  const auto other = other_;
  for (const auto& [from, to] : {std::pair{"[a, b]", "[a, c]"}, std::pair{"[a, b]", "[b, a]"},
                                 std::pair{"[a, b]", "[ab]"}, std::pair{"[a, b]", "[a, b], ducks: 3"},
                                 std::pair{"name: home", "name: hame"}, std::pair{"[a, b]", "[a, \"b\"]"}}) {
    const std::string value = to;
    if (value.contains(", ducks")) {
      EXPECT_NE(load(with("    password_file", "    ducks: 3\n    password_file")), before);
    } else {
      EXPECT_NE(load(with(from, to)), before) << to;
    }
    EXPECT_EQ(other_, other);
  }
}

TEST_F(Fingerprint, ChangesWithTheEffectiveIntervalAndTimeout) {
  const auto before = load();
  const auto other = other_;
  EXPECT_NE(load(with("interval: 5s", "interval: 6s")), before);
  EXPECT_NE(other_, other);
  EXPECT_NE(load(with("timeout: 2s", "timeout: 3s")), before);
}

TEST_F(Fingerprint, ChangesWithEachFileThatTheTargetNames) {
  for (const auto* name : {"home.password", "ca.crt", "own.crt", "own.key"}) {
    const auto before = load();
    const auto other = other_;
    folder_.write(name, std::string(name).replace(0, 1, "X"));  // the same size
    EXPECT_NE(load(), before) << name;
    EXPECT_EQ(other_, other);
  }
}

TEST_F(Fingerprint, OfALargeFileIsItsTimeAndSize) {
  const auto large = folder_.write("large", std::string(2U << 20U, 'x'));
  const auto before = hash_file(large).value();
  EXPECT_EQ(hash_file(large).value(), before);
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, large.c_str(), times, 0), 0);
  EXPECT_NE(hash_file(large).value(), before);
}

}  // namespace
}  // namespace qw::config
