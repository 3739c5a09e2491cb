// How the Kafka probe logs in, and what its configuration may say.
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "tests/unit/systems/kafka_fixture.hpp"

namespace qw::probes {
namespace {

using namespace std::chrono_literals;
using qw::testing::Api;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KafkaLoginTest : public KafkaFixture {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    const std::string path = ::testing::TempDir() + "/kafka_login_" + name;
    std::ofstream(path) << content;
    return path;
  }
  void expect_login(const std::string& mechanism) {
    topic("orders", {1});
    group(broker(1), "shop", "orders", 40);
    broker(1).mechanism = mechanism;
    broker(1).username = "monitor";
    broker(1).password = "secret-word";
  }
};

TEST_F(KafkaLoginTest, LogsInByPlainBeforeItAsksAnything) {
  expect_login("PLAIN");
  watch("sasl: {mechanism: PLAIN, username: monitor, password_file: " + file("good", "secret-word\n") + "}");
  EXPECT_EQ(committed_in(ask(), "shop"), 40U);
  EXPECT_EQ(committed_in(ask(), "shop"), 40U);
  EXPECT_EQ(broker(1).count(Api::sasl_authenticate), 2U)
      << "once for the bootstrap connection, once for the kept one";
}

TEST_F(KafkaLoginTest, AWrongPasswordIsToldInTheBrokersWordsWithoutTheSecret) {
  expect_login("PLAIN");
  watch("sasl: {mechanism: PLAIN, username: monitor, password_file: " + file("wrong", "other-word") + "}");
  const Facts facts = ask();
  ASSERT_EQ(facts.unanswered.size(), 1U);
  EXPECT_EQ(facts.unanswered[0].error.kind(), ErrorKind::rejected);
  EXPECT_THAT(facts.unanswered[0].error.message(), HasSubstr("Invalid username or password"));
  EXPECT_THAT(facts.unanswered[0].error.message(), Not(HasSubstr("other-word")));
}

TEST_F(KafkaLoginTest, AMechanismThatTheBrokerLacksIsToldWithThoseItHas) {
  expect_login("OAUTHBEARER");
  watch("sasl: {mechanism: SCRAM-SHA-256, username: monitor, password_file: " + file("good", "secret-word") +
        "}");
  const Facts facts = ask();
  ASSERT_EQ(facts.unanswered.size(), 1U);
  EXPECT_THAT(facts.unanswered[0].error.message(), HasSubstr("the broker has OAUTHBEARER"));
}

TEST_F(KafkaLoginTest, ABearerTokenIsReadAgainAtEachLogIn) {
  expect_login("OAUTHBEARER");
  const std::string token = file("token", "old-token\n");
  watch("sasl: {mechanism: OAUTHBEARER, token_file: " + token + "}");
  EXPECT_EQ(ask().unanswered.size(), 1U);
  file("token", "secret-word\n");
  EXPECT_EQ(committed_in(ask(), "shop"), 40U);
}

TEST_F(KafkaLoginTest, ATokenFileThatHasGoneIsTold) {
  expect_login("OAUTHBEARER");
  const std::string token = file("passing", "secret-word");
  watch("sasl: {mechanism: OAUTHBEARER, token_file: " + token + "}");
  std::remove(token.c_str());
  EXPECT_THAT(ask().unanswered.at(0).error.message(), HasSubstr(token + ": no such file"));
}

TEST_F(KafkaLoginTest, ASessionThatIsAboutToEndIsRenewed) {
  expect_login("PLAIN");
  broker(1).session_lifetime_ms = 1;
  watch("sasl: {mechanism: PLAIN, username: monitor, password_file: " + file("good", "secret-word") + "}");
  ask();
  const std::size_t before = broker(1).connections();
  const SteadyTime ended = clock_.steady() + 2ms;
  run(async::sleep_until(ended));
  EXPECT_EQ(committed_in(ask(), "shop"), 40U);
  EXPECT_EQ(broker(1).connections(), before + 1);
}

TEST_F(KafkaLoginTest, WhatIsMissingForAMechanismIsAProblemOfTheConfiguration) {
  EXPECT_THAT(configure("bootstrap: [a:1], sasl: {mechanism: PLAIN}"),
              ElementsAre(HasSubstr("is needed for this mechanism")));
  EXPECT_THAT(configure("bootstrap: [a:1], sasl: {}"), ElementsAre(HasSubstr("needs 'mechanism'")));
}

TEST_F(KafkaLoginTest, AFilterThatIsNoPatternIsAProblemOfTheConfiguration) {
  EXPECT_THAT(configure("bootstrap: [a:1], groups: {include: ['(']}"),
              ElementsAre(HasSubstr("'(': missing )")));
  EXPECT_THAT(configure("bootstrap: [a:1, 'a:1']"), ElementsAre(HasSubstr("twice")));
  EXPECT_THAT(configure("bootstrap: []"), ElementsAre(HasSubstr("at least one broker")));
}

}  // namespace
}  // namespace qw::probes
