#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/config.hpp"
#include "config/files.hpp"
#include "config/web.hpp"
#include "scratch_folder.hpp"
#include "toy_kinds.hpp"

namespace qw::config {
namespace {

constexpr const char* kCanary = "c4n4ry-0f-th3-c0al-m1n3";

std::string pond_with(const std::string& keys) {
  return "targets:\n  - {system: pond, name: home, members: [a], " + keys + "}\n";
}

const toy::Pond& pond(const Loaded& loaded) {
  return *std::any_cast<toy::Pond>(&loaded.config.targets.at(0).plan);
}

TEST(Secrets, ComeFromAFileBesideTheConfiguration) {
  const ScratchFolder folder;
  struct Case {
    std::string content, secret;
  };
  const Case cases[] = {{"pass\n", "pass"},
                        {"pass", "pass"},
                        {"pass\r\n", "pass"},
                        {"pass\n\n", "pass\n"},
                        {" p a s s \n", " p a s s "},
                        {"a\nb\n", "a\nb"},
                        {std::string("a\0b", 3), std::string("a\0b", 3)},
                        {std::string(kMaxSecret, 'x'), std::string(kMaxSecret, 'x')}};
  for (const auto& c : cases) {
    folder.write("sub/the.password", c.content);
    const auto file = folder.write("qw.yml", pond_with("password_file: sub/the.password"));
    const auto loaded = load_file(file, toy::kinds());
    ASSERT_TRUE(loaded.problems.empty()) << loaded.problems[0].print();
    EXPECT_EQ(pond(loaded).password_file.value.reveal(), c.secret);
    EXPECT_EQ(pond(loaded).password_file.source, "sub/the.password");
  }
}

TEST(Secrets, ComeFromTheEnvironmentAndFromCredentials) {
  const ScratchFolder folder;
  folder.write("redis", "from systemd\n");
  setenv("QW_TEST_PASSWORD", "from the environment", 1);
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  const auto environment =
      load_text(pond_with("password_file: env:QW_TEST_PASSWORD"), "x/qw.yml", toy::kinds());
  const auto credential = load_text(pond_with("password_file: credential:redis"), "x/qw.yml", toy::kinds());
  const auto missing = load_text(pond_with("password_file: credential:etcd"), "x/qw.yml", toy::kinds());
  unsetenv("QW_TEST_PASSWORD");
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(pond(environment).password_file.value.reveal(), "from the environment");
  EXPECT_EQ(pond(credential).password_file.value.reveal(), "from systemd");
  ASSERT_EQ(missing.problems.size(), 1U);
  EXPECT_EQ(missing.problems[0].text,
            fmt::format("can not read '{}/etcd': no such file or directory", folder.path().string()));
}

TEST(Secrets, AreNeverRead_FromAnythingThatCouldBlockOrHasNoEnd) {
  const ScratchFolder folder;
  const auto pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& path : {pipe, std::string("/dev/zero"), folder.path().string()}) {
    EXPECT_EQ(read_secret(path, "").error().message(),
              fmt::format("can not read '{}': not a regular file", path));
  }
  const auto large = folder.write("large", std::string(kMaxSecret + 1, 'x'));
  EXPECT_EQ(read_secret(large, "").error().message(),
            fmt::format("can not read '{}': larger than 64 KiB", large));
}

// Every way that leads through a secret, and all text that comes out.
TEST(Secrets, TheCanaryIsInNoTextThatCanBePrinted) {
  const ScratchFolder folder;
  folder.write("good", std::string(kCanary) + "\n");
  folder.write("large", kCanary + std::string(kMaxSecret, 'x'));
  setenv("QW_TEST_CANARY", kCanary, 1);
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  std::string printed;
  const auto print = [&printed](const std::vector<Problem>& problems) {
    for (const auto& problem : problems) printed += problem.print() + '\n';
  };
  const std::string canary(kCanary);
  const std::string keys[] = {
      "password_file: good, unknown: 1",
      "password_file: large",
      "password_file: good, ducks: x",
      "password_file: env:QW_TEST_CANARY, tls: {cert_file: good}",
      "password_file: credential:good, tls: {key_file: good}",
      "password_file: credential:large",
      "map_file: good, charts: [good, nowhere]",
      "password: " + canary,
      "password: [" + canary + "]",
      "password: {x: " + canary + "}",
      "password_file: [" + canary + "]",
      "password_file: {x: " + canary + "}",
      "secret: &s " + canary + ", greeting: [*s]",
      "password: \"" + canary + "\\q\"",
      "password: !secret " + canary,
      "password: " + canary + ", password: " + canary,
  };
  for (const auto& key : keys) {
    const auto loaded = load_file(folder.write("qw.yml", pond_with(key)), toy::kinds());
    EXPECT_FALSE(key.contains("unknown") && loaded.problems.empty());
    print(loaded.problems);
    for (const auto& target : loaded.config.targets) printed += target.common.name;
  }
  const std::string webs[] = {
      "basic_auth_users: {a: " + canary + "}",
      "basic_auth_users: {a: [" + canary + "]}",
      "basic_auth_users: {a: $2y$10$" + canary + "}",
      "basic_auth_users: " + canary.substr(0, 0) + "[" + canary + "]",
      "tls_server_config: {cert_file: good, key_file: good, key: " + canary + "}",
  };
  for (const auto& web : webs) print(load_web_file(folder.write("web.yml", web)).problems);
  // The configuration itself in place of another file: the text of a syntax error must not quote it.
  print(load_file((folder.path() / "good").string(), toy::kinds()).problems.empty()
            ? std::vector<Problem>{}
            : load_file(folder.write("syntax.yml", "a: [" + canary), toy::kinds()).problems);
  printed += print_reference(toy::kinds());
  unsetenv("QW_TEST_CANARY");
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_GT(printed.size(), 3000U);
  EXPECT_EQ(printed.find(canary), std::string::npos) << printed;
}

}  // namespace
}  // namespace qw::config
