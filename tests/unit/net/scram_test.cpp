#include "daemon/net/scram.hpp"

#include <gtest/gtest.h>

namespace qw::net {
namespace {

// RFC 7677, section 3.
constexpr std::string_view kNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kChallenge =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kEnd = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramClient client(ScramHash hash = ScramHash::sha256, std::string_view username = "user") {
  return {hash, username, Secret("pencil"), kNonce};
}

TEST(Scram, SpeaksTheExchangeOfRfc7677) {
  ScramClient scram = client();
  EXPECT_EQ(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const auto answer = scram.finish(kChallenge);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(scram.verify(kEnd));
}

// Made with Python's hashlib and hmac, which know nothing of ours.
TEST(Scram, SpeaksSha512) {
  ScramClient scram = client(ScramHash::sha512);
  const auto answer = scram.finish(kChallenge);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==");
  EXPECT_TRUE(scram.verify(
      "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="));
}

TEST(Scram, EscapesWhatHasAMeaningInAName) {
  EXPECT_EQ(client(ScramHash::sha256, "a=b,c").first(), "n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO");
}

TEST(Scram, IgnoresExtensionsItNeedNotKnow) {
  ScramClient scram = client();
  EXPECT_TRUE(scram.finish(std::string(kChallenge) + ",x=more"));
}

TEST(Scram, RefusesAServerThatDoesNotKnowThePassword) {
  ScramClient scram = client();
  ASSERT_TRUE(scram.finish(kChallenge));
  std::string forged(kEnd);
  forged[2] = forged[2] == '6' ? '7' : '6';
  const auto verified = scram.verify(forged);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().kind(), ErrorKind::rejected);
  EXPECT_EQ(verified.error().message(), "SCRAM: the server does not know the password");
}

TEST(Scram, RefusesAnEndBeforeTheChallenge) {
  EXPECT_FALSE(client().verify(kEnd));
  EXPECT_FALSE(client().verify("v="));
}

TEST(Scram, TellsTheServersOwnRefusal) {
  ScramClient scram = client();
  const auto unknown = scram.finish("e=unknown-user");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error(), Error(ErrorKind::rejected, "SCRAM: unknown-user"));
  ASSERT_TRUE(scram.finish(kChallenge));
  EXPECT_EQ(scram.verify("e=invalid-proof").error(), Error(ErrorKind::rejected, "SCRAM: invalid-proof"));
}

TEST(Scram, RefusesIterationsOutsideTheCap) {
  for (const std::string_view count : {"0", "1", "4095", "1000001", "4294967296", "18446744073709551615"}) {
    ScramClient scram = client();
    const auto answer =
        scram.finish("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=" + std::string(count));
    ASSERT_FALSE(answer) << count;
    EXPECT_EQ(answer.error().kind(), ErrorKind::too_large) << count;
  }
}

TEST(Scram, RefusesMalformedChallenges) {
  const std::string_view cases[] = {
      "",
      "r=",
      "r=rOprNGfwEbeRWgbNEkqOx",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==",
      "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOx,i=4096",
      "m=must,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",   // adds nothing
      "r=xOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  // is not ours
      "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ=,i=4096",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6====,i=4096",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W2 ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1",
      "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x",
  };
  for (const std::string_view challenge : cases) {
    ScramClient scram = client();
    const auto answer = scram.finish(challenge);
    ASSERT_FALSE(answer) << challenge;
    EXPECT_EQ(answer.error().kind(), ErrorKind::protocol) << challenge;
    EXPECT_FALSE(scram.verify(kEnd)) << challenge;
  }
  EXPECT_EQ(client().finish(std::string(5000, 'r')).error().kind(), ErrorKind::too_large);
}

TEST(Scram, MakesNoncesThatNeverComeTwice) {
  const auto one = make_scram_nonce();
  const auto two = make_scram_nonce();
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->size(), 32U);
  EXPECT_NE(*one, *two);
  EXPECT_EQ(one->find(','), std::string::npos);
}

}  // namespace
}  // namespace qw::net
