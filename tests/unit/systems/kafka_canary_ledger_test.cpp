#include "probes/systems/kafka_canary_ledger.hpp"

#include <gtest/gtest.h>

namespace qw::probes {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1h};

TEST(KafkaCanaryLedger, FollowsAMessageToItsEnd) {
  KafkaCanaryLedger ledger(30s);
  EXPECT_EQ(ledger.send(kStart), 0U);
  EXPECT_EQ(ledger.waiting(), 1U);
  EXPECT_EQ(ledger.latency(kStart), std::nullopt);
  ledger.acknowledge(0, kStart + 2ms);
  EXPECT_EQ(ledger.waiting(), 1U);
  ledger.receive(0, 0, kStart + 5ms);
  EXPECT_EQ(ledger.waiting(), 0U);
  EXPECT_EQ(ledger.counts().acknowledged, 1U);
  EXPECT_EQ(ledger.counts().received, 1U);
  EXPECT_EQ(ledger.latency(kStart + 1s), 5ms);
  EXPECT_EQ(ledger.latency(kStart + 31s), std::nullopt);
}

TEST(KafkaCanaryLedger, TakesAMessageBeforeItsAcknowledgement) {
  KafkaCanaryLedger ledger(30s);
  ledger.send(kStart);
  ledger.receive(0, 0, kStart + 5ms);
  ledger.acknowledge(0, kStart + 6ms);
  ledger.judge(kStart + 1h);
  EXPECT_EQ(ledger.counts().received, 1U);
  EXPECT_EQ(ledger.counts().lost, 0U);
  EXPECT_EQ(ledger.waiting(), 0U);
}

TEST(KafkaCanaryLedger, LosesOnlyWhatWasAcknowledged) {
  KafkaCanaryLedger ledger(30s);
  for (int i = 0; i < 3; ++i) ledger.send(kStart);
  ledger.acknowledge(0, kStart + 1s);
  ledger.fail(1);
  ledger.judge(kStart + 30s);
  EXPECT_EQ(ledger.counts().lost, 0U);
  ledger.judge(kStart + 31s);
  ledger.judge(kStart + 1h);
  EXPECT_EQ(ledger.counts().lost, 1U);
  EXPECT_EQ(ledger.counts().failed, 1U);
  EXPECT_EQ(ledger.waiting(), 1U);  // number 2, of which nothing was heard

  ledger.receive(0, 0, kStart + 2h);
  EXPECT_EQ(ledger.counts().late, 1U);
  EXPECT_EQ(ledger.counts().lost, 1U);
  ledger.receive(1, 0, kStart + 2h);  // in the log although nobody acknowledged it
  EXPECT_EQ(ledger.counts().received, 2U);
  EXPECT_EQ(ledger.counts().duplicated, 0U);
}

TEST(KafkaCanaryLedger, CountsDuplicates) {
  KafkaCanaryLedger ledger(30s);
  ledger.send(kStart);
  ledger.receive(0, 0, kStart + 1ms);
  ledger.receive(0, 0, kStart + 2ms);
  ledger.acknowledge(0, kStart + 3ms);
  ledger.receive(0, 0, kStart + 4ms);
  EXPECT_EQ(ledger.counts().received, 1U);
  EXPECT_EQ(ledger.counts().duplicated, 2U);
  ledger.receive(7, 0, kStart + 4ms);  // never sent
  EXPECT_EQ(ledger.counts().duplicated, 2U);
}

TEST(KafkaCanaryLedger, ComparesTheOrderWithinAPartition) {
  KafkaCanaryLedger ledger(30s);
  for (int i = 0; i < 5; ++i) ledger.send(kStart);
  ledger.receive(3, 0, kStart);
  ledger.receive(1, 1, kStart);
  EXPECT_EQ(ledger.counts().reordered, 0U);
  ledger.receive(0, 0, kStart);
  EXPECT_EQ(ledger.counts().reordered, 1U);
  ledger.receive(4, 1, kStart);
  EXPECT_EQ(ledger.counts().reordered, 1U);
}

TEST(KafkaCanaryLedger, KnowsTheLongestLatencyOfTheLastMinute) {
  KafkaCanaryLedger ledger(30s);
  const auto pass = [&ledger](Nanoseconds sent, Nanoseconds latency) {
    const auto number = ledger.send(kStart + sent);
    ledger.receive(number, 0, kStart + sent + latency);
  };
  EXPECT_EQ(ledger.longest_latency(kStart), std::nullopt);
  pass(0s, 90ms);
  pass(10s, 20ms);
  pass(20s, 50ms);
  EXPECT_EQ(ledger.longest_latency(kStart + 30s), 90ms);
  EXPECT_EQ(ledger.longest_latency(kStart + 61s), 50ms);
  pass(70s, 10ms);
  EXPECT_EQ(ledger.longest_latency(kStart + 71s), 50ms);
  EXPECT_EQ(ledger.longest_latency(kStart + 90s), 10ms);
  EXPECT_EQ(ledger.longest_latency(kStart + 1h), std::nullopt);
}

TEST(KafkaCanaryLedger, RemembersNotMoreThanItsCap) {
  KafkaCanaryLedger ledger(30s);
  for (int i = 0; i < 30'000; ++i) ledger.send(kStart);
  EXPECT_EQ(ledger.waiting(), 10'000U);
  EXPECT_EQ(ledger.counts().sent, 30'000U);
}

}  // namespace
}  // namespace qw::probes
