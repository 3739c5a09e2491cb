#include "probes/network/retransmits_ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace qw::probes {
namespace {

wire::TcpSocket socket(std::uint64_t cookie, std::uint8_t peer, std::uint32_t segments,
                       std::uint32_t retransmits, std::uint16_t peer_port = 40'000,
                       std::uint16_t local_port = 50'000) {
  wire::TcpSocket one;
  one.cookie = cookie;
  one.peer[10] = one.peer[11] = 0xff;
  one.peer[12] = 10;
  one.peer[15] = peer;
  one.peer_port = peer_port;
  one.local_port = local_port;
  one.segments_sent = segments;
  one.retransmits = retransmits;
  one.min_rtt_us = 100u + peer;
  return one;
}

class RetransmitsLedgerTest : public testing::Test {
 protected:
  using Line = RetransmitsLedger::Line;

  void look(const std::vector<wire::TcpSocket>& sockets) {
    ledger_.begin_look();
    for (const auto& one : sockets) ledger_.open(one, systems_);
    now_ += std::chrono::seconds(5);
    ledger_.end_look(now_);
  }
  Line line(const std::string& peer, const std::string& port_class = "other") const {
    for (const auto& one : ledger_.lines()) {
      if (one.peer == peer && one.port_class == port_class) return one;
    }
    return {.peer = "none", .port_class = ""};
  }
  std::uint64_t all_retransmits() const {
    std::uint64_t sum = 0;
    for (const auto& one : ledger_.lines()) sum += one.retransmits;
    return sum;
  }

  SteadyTime now_{};
  RetransmitsLedger::PortSystems systems_{{2379, "etcd"}, {9092, "kafka"}};
  RetransmitsLedger ledger_{{.lines = 2}};
};

TEST_F(RetransmitsLedgerTest, WhatWasSentBeforeTheFirstLookIsNotCounted) {
  look({socket(1, 1, 1000, 30)});
  EXPECT_EQ(line("10.0.0.1").retransmits, 0u);
  look({socket(1, 1, 1500, 33)});
  EXPECT_EQ(line("10.0.0.1").retransmits, 3u);
  EXPECT_EQ(line("10.0.0.1").segments, 500u);
}

TEST_F(RetransmitsLedgerTest, AConnectionThatIsNewCountsInFull) {
  look({});
  look({socket(1, 1, 10, 2)});
  EXPECT_EQ(line("10.0.0.1").retransmits, 2u);
  EXPECT_EQ(line("10.0.0.1").sockets, 1u);
  EXPECT_EQ(line("10.0.0.1").min_rtt_us, 101u);
}

TEST_F(RetransmitsLedgerTest, WhatAClosedConnectionCountedStays) {
  look({});
  look({socket(1, 1, 10, 2)});
  ledger_.closed(socket(1, 1, 20, 5), systems_);
  look({});
  EXPECT_EQ(line("10.0.0.1").retransmits, 5u);
  EXPECT_EQ(line("10.0.0.1").segments, 20u);
  EXPECT_EQ(line("10.0.0.1").sockets, 0u);
  EXPECT_FALSE(line("10.0.0.1").min_rtt_us);
}

TEST_F(RetransmitsLedgerTest, AConnectionThatNoLookSawCountsByItsLastWord) {
  look({});
  ledger_.closed(socket(1, 1, 7, 1), systems_);
  EXPECT_EQ(line("10.0.0.1").retransmits, 1u);
  EXPECT_EQ(line("10.0.0.1").segments, 7u);
}

TEST_F(RetransmitsLedgerTest, AConnectionThatEndsDuringALookCountsOnce) {
  look({});
  ledger_.begin_look();
  ledger_.closed(socket(1, 1, 7, 1), systems_);
  ledger_.open(socket(1, 1, 6, 1), systems_);  // the kernel had listed it before it ended
  ledger_.end_look(now_);
  EXPECT_EQ(line("10.0.0.1").segments, 7u);
  EXPECT_EQ(line("10.0.0.1").retransmits, 1u);
}

TEST_F(RetransmitsLedgerTest, ACountThatGoesRoundGoesOn) {
  look({socket(1, 1, 0xffff'fff0, 0)});
  look({socket(1, 1, 0x10, 0)});
  EXPECT_EQ(line("10.0.0.1").segments, 0x20u);
}

TEST_F(RetransmitsLedgerTest, ALookThatBreaksOffClosesNothing) {
  look({socket(1, 1, 10, 0)});
  ledger_.begin_look();
  EXPECT_EQ(line("10.0.0.1").sockets, 1u);
  look({socket(1, 1, 15, 0)});
  EXPECT_EQ(line("10.0.0.1").segments, 5u);
}

TEST_F(RetransmitsLedgerTest, PortsOfConfiguredSystemsMakeClasses) {
  look({});
  look({socket(1, 1, 10, 1, 2379), socket(2, 1, 10, 2, 40'000, 9092)});
  EXPECT_EQ(line("10.0.0.1", "etcd").retransmits, 1u);
  EXPECT_EQ(line("10.0.0.1", "kafka").retransmits, 2u);
}

TEST_F(RetransmitsLedgerTest, PeersBeyondTheLimitShareALine) {
  look({});
  look({socket(1, 1, 10, 0), socket(2, 2, 10, 0), socket(3, 3, 5, 0), socket(4, 4, 5, 0)});
  EXPECT_EQ(line("10.0.0.3").peer, "none");
  EXPECT_EQ(line("others").segments, 10u);
  EXPECT_EQ(line("others").sockets, 2u);
  EXPECT_EQ(line("others").min_rtt_us, 103u);
}

TEST_F(RetransmitsLedgerTest, AWorsePeerTakesALineAndNoCountGoesBack) {
  look({});
  look({socket(1, 1, 10, 0), socket(2, 2, 10, 0), socket(3, 3, 5, 0)});
  look({socket(1, 1, 20, 0), socket(2, 2, 10, 0), socket(3, 3, 50, 9)});
  EXPECT_EQ(line("10.0.0.3").retransmits, 0u) << "a new line starts at 0";
  EXPECT_EQ(line("10.0.0.2").peer, "none") << "the least of the two gave way";
  EXPECT_EQ(line("others").retransmits, 9u) << "what was counted there stays there";
  look({socket(1, 1, 20, 0), socket(2, 2, 10, 0), socket(3, 3, 60, 11)});
  EXPECT_EQ(line("10.0.0.3").retransmits, 2u);
  EXPECT_EQ(line("others").retransmits, 9u);
}

TEST_F(RetransmitsLedgerTest, APeerWithoutConnectionsIsForgottenAfterAnHour) {
  look({});
  look({socket(1, 1, 10, 1)});
  ledger_.closed(socket(1, 1, 10, 1), systems_);
  look({});
  now_ += std::chrono::minutes(50);
  look({});
  EXPECT_EQ(line("10.0.0.1").retransmits, 1u);
  now_ += std::chrono::minutes(15);
  look({});
  EXPECT_EQ(line("10.0.0.1").peer, "none");
}

TEST_F(RetransmitsLedgerTest, MoreSocketsThanFitCountWhenTheyClose) {
  ledger_ = RetransmitsLedger({.lines = 2, .sockets = 1});
  look({});
  look({socket(1, 1, 10, 1), socket(2, 1, 10, 1)});
  look({socket(1, 1, 10, 1), socket(2, 1, 10, 1)});
  EXPECT_EQ(line("10.0.0.1").retransmits, 1u);
  ledger_.closed(socket(2, 1, 12, 3), systems_);
  EXPECT_EQ(line("10.0.0.1").retransmits, 4u);
}

/// Random lives of sockets, and what they have sent again in truth.
class RandomLives {
 public:
  void step(RetransmitsLedger& ledger, const RetransmitsLedger::PortSystems& systems) {
    for (std::uint32_t i = pick(4); i > 0; --i)
      alive_.push_back(socket(++cookie_, static_cast<std::uint8_t>(pick(9)), 1, 0));
    for (auto& one : alive_) {
      const auto more = pick(10) == 0 ? pick(5) : 0;
      one.retransmits += more;
      one.segments_sent += more + pick(20);
      truth += more;
    }
    ledger.begin_look();
    std::erase_if(alive_, [&](const auto& one) {
      const auto fate = pick(8);
      if (fate != 1) ledger.open(one, systems);
      if (fate <= 1) ledger.closed(one, systems);  // after the kernel listed it, or before
      return fate <= 1;
    });
  }

  std::uint64_t truth = 0;

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  std::mt19937 random_{7};
  std::vector<wire::TcpSocket> alive_;
  std::uint64_t cookie_ = 0;
};

TEST_F(RetransmitsLedgerTest, NothingIsLostAndNothingCountsTwice) {
  ledger_ = RetransmitsLedger({.lines = 20});
  RandomLives lives;
  look({});
  for (int round = 0; round < 300; ++round) {
    lives.step(ledger_, systems_);
    ledger_.end_look(now_);
    ASSERT_EQ(all_retransmits(), lives.truth) << round;
  }
  EXPECT_GT(lives.truth, 100u);
}

TEST_F(RetransmitsLedgerTest, NoLineGoesBackWhileItIsThere) {
  RandomLives lives;
  std::map<std::string, std::uint64_t> before;
  look({});
  for (int round = 0; round < 300; ++round) {
    lives.step(ledger_, systems_);
    ledger_.end_look(now_);
    std::map<std::string, std::uint64_t> seen;
    for (const auto& one : ledger_.lines()) {
      seen[one.peer] = one.retransmits;
      if (before.contains(one.peer)) ASSERT_GE(one.retransmits, before[one.peer]) << one.peer;
    }
    ASSERT_LE(seen.size(), 3u);
    before = std::move(seen);
  }
}

}  // namespace
}  // namespace qw::probes
