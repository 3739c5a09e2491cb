#include "probes/wire/kafka_sasl.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/kafka_recorded.hpp"

namespace qw::wire::kafka {
namespace {

TEST(KafkaSasl, ReadsMechanisms) {
  for (const char* name : {"SaslHandshake", "SaslHandshake:refused"}) {
    const auto reply = SaslHandshakeReply::read(recorded_body("3.9.2", name, 1), 1);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->mechanisms, (std::vector<std::string_view>{"PLAIN", "SCRAM-SHA-512", "SCRAM-SHA-256"}));
    const bool refused = std::string_view(name).ends_with("refused");
    EXPECT_EQ(reply->error, refused ? ErrorCode::unsupported_sasl_mechanism : ErrorCode::none);
  }
}

TEST(KafkaSasl, ReadsTheServersTokensInEveryVersion) {
  for (std::int16_t version = 0; version <= 2; ++version) {
    const auto reply =
        SaslAuthenticateReply::read(recorded_body("3.9.2", "SaslAuthenticate:challenge", version), version);
    ASSERT_TRUE(reply) << version;
    EXPECT_EQ(reply->error, ErrorCode::none);
    EXPECT_TRUE(reply->token.starts_with("r="));
    EXPECT_EQ(reply->session_lifetime_ms, 0);  // it is not over yet
  }
  const auto end = SaslAuthenticateReply::read(recorded_body("3.9.2", "SaslAuthenticate:end", 2), 2);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->token.starts_with("v="));
  EXPECT_EQ(end->session_lifetime_ms, 60'000);
}

TEST(KafkaSasl, TellsWhyAUserIsRefused) {
  const auto reply = SaslAuthenticateReply::read(recorded_body("3.9.2", "SaslAuthenticate:refused", 2), 2);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, ErrorCode::sasl_authentication_failed);
  EXPECT_EQ(reply->message, "Authentication failed: Invalid username or password");
}

TEST(KafkaSasl, MakesTokens) {
  EXPECT_EQ(make_plain_token("me", Secret("pw")).reveal(), std::string_view("\0me\0pw", 6));
  EXPECT_EQ(make_oauthbearer_token(Secret("tok")).reveal(),
            "n,,\x01"
            "auth=Bearer tok\x01\x01");
  SaslAuthenticateRequest request{.token = make_plain_token("me", Secret("pw"))};
  EXPECT_EQ(to_hex(encode(request, 2, 1, "")),
            "00000013"
            "0024"
            "0002"
            "00000001"
            "0000"
            "00"
            "07006d65007077"
            "00");
}

}  // namespace
}  // namespace qw::wire::kafka
