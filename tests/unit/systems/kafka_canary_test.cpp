// The canary against librdkafka's own mock cluster, whose produce and fetch paths are real.
#include "probes/systems/kafka_canary.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <optional>
#include <thread>
#include <vector>

#include "probes/systems/kafka_canary_client.hpp"
#include "tests/unit/systems/kafka_fixture.hpp"

namespace qw::probes {
namespace {

using namespace std::chrono_literals;

constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kFetch = 1;

/// One broker in this process, with the canary's topic.
class Cluster {
 public:
  Cluster() {
    std::array<char, 512> problem{};
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "client.id", "mock", problem.data(), problem.size());
    rd_kafka_conf_set_log_cb(conf, nullptr);
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem.data(), problem.size());
    cluster_ = rd_kafka_mock_cluster_new(client_, 1);
    rd_kafka_mock_topic_create(cluster_, "canary", 3, 1);
  }
  ~Cluster() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  KafkaCanaryOptions options() const {
    KafkaCanaryOptions options;
    options.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    options.topic = "canary";
    options.interval = 10ms;
    options.lost_after = 5s;
    return options;
  }
  /// The next `count` requests of this kind are refused.
  void refuse(std::int16_t request, rd_kafka_resp_err_t error, int count) {
    const std::vector<rd_kafka_resp_err_t> errors(static_cast<std::size_t>(count), error);
    rd_kafka_mock_push_request_errors_array(cluster_, request, errors.size(), errors.data());
  }
  void forgive(std::int16_t request) { rd_kafka_mock_clear_request_errors(cluster_, request); }

 private:
  rd_kafka_t* client_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

/// Whether `done` comes true within 20 s.
template <class Done>
bool eventually(const KafkaCanary& canary, Done done) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (done(canary.said())) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

std::optional<double> reading(const KafkaCanary& canary, std::string_view name) {
  for (const Reading& reading : canary.readings()) {
    if (reading.family->name == name) return reading.value;
  }
  return std::nullopt;
}

// librdkafka starts its threads by thrd_create, which the thread sanitizer of clang-19 does not know: a
// client crashes in the first intercepted call on one of them.
constexpr bool kUnderThreadSanitizer = __has_feature(thread_sanitizer);

class KafkaCanaryAlone : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kUnderThreadSanitizer) GTEST_SKIP() << "librdkafka can not run under the thread sanitizer";
  }
  void TearDown() override { EXPECT_TRUE(wait_for_kafka_canaries(20s)); }
};

class KafkaCanaryInACluster : public KafkaCanaryAlone {
 protected:
  void SetUp() override {
    KafkaCanaryAlone::SetUp();
    if (!IsSkipped()) cluster_.emplace();
  }
  std::optional<Cluster> cluster_;
};

TEST_F(KafkaCanaryInACluster, SendsNumberedMessagesAndSeesThemAgain) {
  KafkaCanary canary(cluster_->options());
  EXPECT_EQ(reading(canary, "quorumwatch_kafka_canary_up"), 0);
  EXPECT_EQ(reading(canary, "quorumwatch_kafka_canary_latency_seconds"), std::nullopt);
  canary.start();
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.counts.received >= 20; }))
      << canary.said().problem;

  const KafkaCanarySaid said = canary.said();
  EXPECT_EQ(said.partitions, 3U);
  EXPECT_EQ(said.problem, "");
  EXPECT_GE(said.counts.sent, 20U);
  EXPECT_EQ(said.counts.failed, 0U);
  EXPECT_EQ(said.counts.lost, 0U);
  EXPECT_EQ(said.counts.duplicated, 0U);
  EXPECT_EQ(said.counts.reordered, 0U);
  ASSERT_TRUE(said.latency);
  EXPECT_GT(*said.latency, 0ns);
  EXPECT_LE(*said.latency, *said.latency_max);
  EXPECT_EQ(reading(canary, "quorumwatch_kafka_canary_up"), 1);
  EXPECT_GE(reading(canary, "quorumwatch_kafka_canary_acknowledged_total"), 1);
}

TEST_F(KafkaCanaryInACluster, CountsWhatWasAcknowledgedAndDidNotComeBack) {
  auto options = cluster_->options();
  options.lost_after = 1s;
  KafkaCanary canary(options);
  canary.start();
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.counts.received > 0; }))
      << canary.said().problem;
  cluster_->refuse(kFetch, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, 10'000);
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.counts.lost > 0; }));
  EXPECT_GT(canary.said().counts.acknowledged, canary.said().counts.received);
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return !said.latency; }));  // old news is no news
  cluster_->forgive(kFetch);
  ASSERT_TRUE(eventually(
      canary, [](const auto& said) { return said.counts.late == said.counts.lost && said.latency; }));
}

TEST_F(KafkaCanaryInACluster, CountsWhatTheBrokerRefuses) {
  KafkaCanary canary(cluster_->options());
  canary.start();
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.counts.received > 0; }))
      << canary.said().problem;
  cluster_->refuse(kProduce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 3);
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.counts.failed > 0; }));
  EXPECT_GT(canary.said().errors, 0U);
  const auto received = canary.said().counts.received;
  ASSERT_TRUE(
      eventually(canary, [received](const auto& said) { return said.counts.received > received + 5; }));
  EXPECT_EQ(canary.said().counts.lost, 0U);
}

TEST_F(KafkaCanaryInACluster, ToleratesWhatAnotherOneWrites) {
  KafkaCanary one(cluster_->options());
  KafkaCanary other(cluster_->options());
  one.start();
  other.start();
  for (const KafkaCanary* canary : {&one, &other}) {
    ASSERT_TRUE(eventually(*canary, [](const auto& said) { return said.counts.received >= 10; }));
    EXPECT_LE(canary->said().counts.received, canary->said().counts.sent);
    EXPECT_EQ(canary->said().counts.duplicated, 0U);
  }
}

TEST_F(KafkaCanaryInACluster, EndsCleanlyAtAnyMoment) {
  for (int i = 0; i < 6; ++i) {
    KafkaCanary canary(cluster_->options());
    canary.start();
    const auto until = static_cast<std::uint64_t>(i % 3);
    ASSERT_TRUE(eventually(canary, [until](const auto& said) { return said.counts.sent >= until; }));
    const auto before = std::chrono::steady_clock::now();
    canary.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 200ms);
  }
}

TEST_F(KafkaCanaryAlone, SaysWhyItDoesNotRun) {
  KafkaCanaryOptions options;
  options.brokers = "127.0.0.1:1";
  KafkaCanary canary(options);
  canary.start();
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.problem.contains("refused"); }));
  EXPECT_GT(canary.said().errors, 0U);
  EXPECT_EQ(canary.said().counts.sent, 0U);

  options.security.tls = true;
  options.security.ca_file = "/nowhere/ca.crt";
  KafkaCanary misconfigured(options);
  misconfigured.start();
  ASSERT_TRUE(
      eventually(misconfigured, [](const auto& said) { return said.problem.contains("ssl.ca.location"); }));
}

TEST_F(KafkaCanaryAlone, NeverTellsThePassword) {
  KafkaCanaryOptions options;
  options.brokers = "127.0.0.1:1";
  options.security.mechanism = "NONSENSE";
  options.security.username = "me";
  options.security.password = Secret("hunter2");
  KafkaCanary canary(options);
  canary.start();
  ASSERT_TRUE(eventually(canary, [](const auto& said) { return said.problem != "starting"; }));
  EXPECT_FALSE(canary.said().problem.contains("hunter2"));
}

class KafkaCanaryOfATarget : public KafkaFixture {
 protected:
  void SetUp() override {
    if (kUnderThreadSanitizer) GTEST_SKIP() << "librdkafka can not run under the thread sanitizer";
  }
  void TearDown() override {
    KafkaFixture::TearDown();
    EXPECT_TRUE(wait_for_kafka_canaries(20s));
  }
  /// What the canary has told in one look.
  std::optional<double> errors() { return reading_in(ask(), "quorumwatch_kafka_canary_errors_total"); }
};

TEST_F(KafkaCanaryOfATarget, IsSilentWhileNobodyAnswersAndComesBackWithItsTotals) {
  using qw::testing::Api;
  topic("orders", {1});
  watch("canary: {topic: canary}");
  EXPECT_EQ(errors(), 0) << "it does not sing in the first look";
  EXPECT_EQ(errors(), 0);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  double before = 0;
  while (before == 0 && std::chrono::steady_clock::now() < deadline) {
    broker(1).drops = {Api::api_versions};
    broker(1).hang_up();
    for (int look = 0; look < 10; ++look) {
      EXPECT_TRUE(ask().readings.empty());
      std::this_thread::sleep_for(20ms);
    }
    broker(1).drops.clear();
    const auto back = errors();
    ASSERT_TRUE(back);
    before = *back;
  }
  EXPECT_GT(before, 0) << "it has counted on where nobody saw it";
  broker(1).drops = {Api::api_versions};
  broker(1).hang_up();
  EXPECT_EQ(errors(), std::nullopt);
  broker(1).drops.clear();
  EXPECT_GE(errors(), before);
}

TEST(KafkaCanaryNews, IsTheTroubleThatLastsOnceEachTime) {
  KafkaCanaryNews news;
  KafkaCanarySaid said;
  SteadyTime now{1h};
  const auto after = [&](Nanoseconds wait, std::string problem) {
    said.problem = std::move(problem);
    return news.take(said, now += wait);
  };
  EXPECT_FALSE(after(0s, "starting"));
  EXPECT_FALSE(after(9s, "starting"));
  EXPECT_FALSE(after(1s, "")) << "it has begun, and nobody was told otherwise";
  EXPECT_FALSE(after(1s, "no topic"));
  EXPECT_EQ(after(10s, "no topic: refused"), "no topic: refused");
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(after(5s, "no topic"));
  EXPECT_EQ(after(5s, ""), "");
  EXPECT_FALSE(after(5s, ""));
  EXPECT_FALSE(after(5s, "refused"));
  EXPECT_EQ(after(60s, "refused"), "refused");
}

TEST(KafkaCanaryLogin, NamesTheFlawOfAnOldLibraryWhereItMatters) {
  KafkaCanarySecurity security;
  security.mechanism = "SCRAM-SHA-512";
  EXPECT_EQ(kafka_canary_login_flaw(security, 0x020002ff),
            "librdkafka 2.0.2 can not log in to Kafka 4 by SCRAM, 2.6.1 can");
  EXPECT_EQ(kafka_canary_login_flaw(security, 0x020601ff), "");
  security.mechanism = "PLAIN";
  EXPECT_EQ(kafka_canary_login_flaw(security, 0x020002ff), "");
}

}  // namespace
}  // namespace qw::probes
