#include "config/placement.hpp"

#include <gtest/gtest.h>

#include "config/config.hpp"

namespace qw::config {
namespace {

Loaded load(const std::string& text) {
  return load_text(text, "/tmp/quorumwatch.yml", {});
}

TEST(Placement, IsReadWithItsDefaults) {
  const auto loaded = load(R"(
targets: []
placement:
  peers: ["10.0.0.1", "[fd00::1]:10980", node-3.example, _http-metrics._tcp.quorumwatch.example]
  tls: {}
  username: monitor
  password_file: "env:HOME"
)");
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems.front().print();
  const auto& placement = loaded.config.placement;
  EXPECT_EQ(placement.peers.size(), 4U);
  EXPECT_EQ(placement.port, 10'979U);
  EXPECT_EQ(placement.interval, std::chrono::seconds(5));
  EXPECT_TRUE(placement.tls.enabled);
  EXPECT_FALSE(placement.password.value.empty());
  EXPECT_TRUE(load("targets: []").config.placement.peers.empty());
}

TEST(Placement, NeedsPeers) {
  const auto loaded = load("targets: []\nplacement: {port: 1}\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems[0].print(), "/tmp/quorumwatch.yml:2:12: placement: missing key 'peers'");
}

TEST(Placement, APeerIsAnAddressANameOrAService) {
  const auto loaded = load("targets: []\nplacement: {peers: [\"not a name\"]}\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems[0].text, "'not a name': expected an address, a name or a service");
}

}  // namespace
}  // namespace qw::config
