#include "probes/network/peers.hpp"

#include <gtest/gtest.h>

#include "tests/unit/net/dns_server.hpp"

namespace qw::probes {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::make_address;
using net::test::DnsServer;
using net::test::in;
using net::test::milliseconds;

class PeersTest : public net::test::LoopbackTest {
 protected:
  PeersTest() : dns_(std::make_unique<DnsServer>(loop())) {
    net::Resolver::Options options;
    options.servers = dns_->address();
    options.try_timeout = milliseconds(100);
    resolver_ = std::make_unique<net::Resolver>(loop().executor(), options);
  }
  void TearDown() override {
    resolver_.reset();
    dns_.reset();
    LoopbackTest::TearDown();
  }
  DnsServer& dns() { return *dns_; }
  std::vector<Peer> find(const std::vector<std::string>& members) {
    std::vector<PeerEntry> entries;
    for (const auto& member : members) entries.push_back(PeerEntry::parse(member).value());
    return find_entries(entries);
  }
  std::vector<Peer> find_entries(std::vector<PeerEntry> entries) {
    net::Net net(loop().executor(), *resolver_);
    return loop().run(find_peers(net, std::move(entries), in(milliseconds(2000))));
  }

 private:
  std::unique_ptr<DnsServer> dns_;
  std::unique_ptr<net::Resolver> resolver_;
};

/// "name:port zone [addresses]"
std::string text(const Peer& peer) {
  std::string out = peer.name + " " + std::to_string(peer.port);
  for (const auto& at : peer.addresses) out += " " + at.to_string();
  return out + (peer.error ? " " + peer.error->message() : "");
}

TEST(PeerEntry, IsAnAddressANameOrAService) {
  struct Case {
    std::string_view text;
    std::string host;
    std::uint16_t port;
    bool service;
  };
  for (const auto& c :
       {Case{"10.0.0.1", "10.0.0.1", 0, false}, Case{"10.0.0.1:862", "10.0.0.1", 862, false},
        Case{"2001:db8::1", "2001:db8::1", 0, false}, Case{"[2001:db8::1]:862", "2001:db8::1", 862, false},
        Case{"node-1.example", "node-1.example", 0, false}, Case{"10.0.0.1:65535", "10.0.0.1", 65535, false},
        Case{"_stamp._udp.nodes.example", "_stamp._udp.nodes.example", 0, true}}) {
    const auto entry = PeerEntry::parse(c.text);
    ASSERT_TRUE(entry) << c.text << ": " << entry.error().message();
    EXPECT_EQ(entry->host, c.host);
    EXPECT_EQ(entry->port, c.port) << c.text;
    EXPECT_EQ(entry->service, c.service) << c.text;
  }
  for (const auto* wrong : {"", "a:0", "a:b", "http://a", "_stamp._udp.nodes.example:862"}) {
    const auto entry = PeerEntry::parse(wrong);
    ASSERT_FALSE(entry) << wrong;
    EXPECT_EQ(entry.error().kind(), ErrorKind::config);
  }
}

TEST_F(PeersTest, HaveBothFamiliesOfTheirNames) {
  dns().records()["both.example"] = {{"2001:db8::1", "10.0.0.1"}};
  const auto peers = find({"both.example", "10.0.0.9:862", "missing.example"});
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(text(peers[0]), "10.0.0.9:862 862 10.0.0.9");
  EXPECT_EQ(text(peers[1]), "both.example 0 10.0.0.1 2001:db8::1");
  EXPECT_FALSE(peers[1].shares_name);
  EXPECT_EQ(text(peers[2]), "missing.example 0 no such host");
}

TEST_F(PeersTest, BehindOneNameAreOneForEachAddress) {
  dns().records()["nodes.example"] = {{"10.0.0.3", "10.0.0.1", "2001:db8::1", "10.0.0.2"}};
  const auto peers = find({"nodes.example", "10.0.0.2"});
  ASSERT_EQ(peers.size(), 4U) << "who is listed twice is one peer";
  EXPECT_EQ(text(peers[0]), "10.0.0.1 0 10.0.0.1");
  EXPECT_EQ(text(peers[1]), "10.0.0.2 0 10.0.0.2");
  EXPECT_EQ(text(peers[2]), "10.0.0.3 0 10.0.0.3");
  EXPECT_EQ(text(peers[3]), "2001:db8::1 0 2001:db8::1");
  EXPECT_TRUE(peers[0].shares_name);
  EXPECT_TRUE(is_own(peers[3], {make_address("2001:db8::1")}));
  EXPECT_EQ(text(find({"nodes.example:900"}).at(3)), "[2001:db8::1]:900 900 2001:db8::1");
}

TEST_F(PeersTest, OfAServiceAreItsTargets) {
  const std::string service = "_stamp._udp.nodes.example";
  dns().records()[service] = {.addresses = {},
                              .ttl = 60,
                              .services = {{"n1.example", 862}, {"n2.example", 862}, {"n2.example", 863}}};
  dns().records()["n1.example"] = {{"10.0.0.1"}};
  dns().records()["n2.example"] = {{"10.0.0.2"}};
  auto entry = PeerEntry::parse(service).value();
  entry.zone = "east";
  const auto peers = find_entries({entry, PeerEntry::parse("n1.example").value()});
  ASSERT_EQ(peers.size(), 3U) << "who is listed twice is one peer";
  EXPECT_EQ(peers[0].name, "n1.example");
  EXPECT_EQ(text(peers[1]), "n2.example:862 862 10.0.0.2");
  EXPECT_EQ(text(peers[2]), "n2.example:863 863 10.0.0.2");
  EXPECT_EQ(peers[1].zone, "east");
}

TEST_F(PeersTest, AServiceWithoutAnswerIsAPeerInError) {
  const auto peers = find({"_stamp._udp.nodes.example", "10.0.0.1"});
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(text(peers[1]), "_stamp._udp.nodes.example 0 no such service");
}

TEST_F(PeersTest, OneNameThatHangsDelaysTheOthersByNoMoreThanTheDeadline) {
  dns().set_mood(DnsServer::Mood::mute);
  const auto start = std::chrono::steady_clock::now();
  const auto peers = find({"a.example", "b.example", "10.0.0.1"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1500));
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(text(peers[0]), "10.0.0.1 0 10.0.0.1");
  EXPECT_TRUE(peers[1].error && peers[2].error);
}

TEST(OwnAddresses, AreThoseThatOthersReachUsBy) {
  for (const auto& at : own_addresses()) EXPECT_FALSE(at.is_loopback() || at.is_unspecified()) << at;
}

TEST(FindSelf, GoesByNameOrElseByAddress) {
  std::vector<Peer> peers(3);
  for (const int i : {0, 1, 2}) {
    const auto number = std::to_string(i);
    peers[static_cast<std::size_t>(i)].name = "n" + number;
    peers[static_cast<std::size_t>(i)].addresses = {make_address("10.0.0." + number)};
  }
  const std::set<address> own = {make_address("192.0.2.1"), make_address("10.0.0.2")};
  EXPECT_EQ(find_self(peers, "", own), 2U);
  EXPECT_EQ(find_self(peers, "n1", own), 1U) << "the word of the configuration counts";
  EXPECT_EQ(find_self(peers, "elsewhere", own), std::nullopt);
  EXPECT_EQ(find_self(peers, "", {}), std::nullopt);
}

}  // namespace
}  // namespace qw::probes
