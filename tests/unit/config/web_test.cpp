#include "config/web.hpp"

#include <gtest/gtest.h>

#include "scratch_folder.hpp"

namespace qw::config {
namespace {

constexpr const char* kHash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

std::string problems(const LoadedWeb& loaded) {
  std::string text;
  for (const auto& problem : loaded.problems) text += problem.print() + '\n';
  return text;
}

TEST(WebConfig, ReadsAllKeys) {
  const ScratchFolder folder;
  for (const auto* name : {"server.crt", "server.key", "ca.crt"}) folder.write(name, name);
  const auto file = folder.write("web.yml", std::string(R"(
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example, 10.0.0.1]
  min_version: TLS13
  max_version: TLS13
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
basic_auth_users:
  alice: )") + kHash + "\n  bob: $2b" + (kHash + 3) +
                                                "\n");
  const auto loaded = load_web_file(file);
  EXPECT_EQ(problems(loaded), "");
  const auto& web = loaded.config;
  EXPECT_TRUE(web.tls);
  EXPECT_EQ(web.cert_file, (folder.path() / "server.crt").string());
  EXPECT_EQ(web.key_file, (folder.path() / "server.key").string());
  EXPECT_EQ(web.client_ca_file, (folder.path() / "ca.crt").string());
  EXPECT_EQ(web.client_auth_type, "RequireAndVerifyClientCert");
  EXPECT_EQ(web.client_allowed_sans, (std::vector<std::string>{"prometheus.example", "10.0.0.1"}));
  EXPECT_EQ(web.min_version, "TLS13");
  ASSERT_EQ(web.headers.size(), 2U);
  EXPECT_EQ(web.headers[0],
            (std::pair<std::string, std::string>("Strict-Transport-Security", "max-age=31536000")));
  ASSERT_EQ(web.users.size(), 2U);
  EXPECT_EQ(web.users[0], (std::pair<std::string, std::string>("alice", kHash)));
  EXPECT_EQ(web.users[1].first, "bob");
}

TEST(WebConfig, AnEmptyMappingIsNeitherTlsNorPasswords) {
  const auto loaded = load_web_text("{}\n", "web.yml");
  EXPECT_EQ(problems(loaded), "");
  EXPECT_FALSE(loaded.config.tls);
  EXPECT_TRUE(loaded.config.users.empty());
  EXPECT_EQ(loaded.config.min_version, "TLS12");
  EXPECT_EQ(loaded.config.max_version, "TLS13");
}

TEST(WebConfig, ItsFingerprintChangesWithTheCertificate) {
  const ScratchFolder folder;
  folder.write("a.key", "key");
  folder.write("a.crt", "one");
  const auto file = folder.write("web.yml", "tls_server_config: {cert_file: a.crt, key_file: a.key}\n");
  const auto before = load_web_file(file).config.fingerprint;
  EXPECT_EQ(load_web_file(file).config.fingerprint, before);
  folder.write("a.crt", "two");
  EXPECT_NE(load_web_file(file).config.fingerprint, before);
}

TEST(WebConfig, AFileThatIsNotThereIsAProblem) {
  EXPECT_EQ(problems(load_web_file("/no/such/web.yml")),
            "/no/such/web.yml: can not read '/no/such/web.yml': no such file or directory\n");
}

}  // namespace
}  // namespace qw::config
