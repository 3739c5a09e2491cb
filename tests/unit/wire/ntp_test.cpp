#include "probes/wire/ntp.hpp"

#include <gtest/gtest.h>

#include "clock_recorded.hpp"

namespace qw::wire {
namespace {

constexpr std::uint64_t kNonce = 0x1112131415161718;
// 2026-11-21 17:10:37 UTC, about when it was recorded.
constexpr WallTime kNear{std::chrono::seconds(1795281037)};

TEST(Ntp, ARequestTellsNothingButTheNonce) {
  const auto bytes = make_ntp_request(kNonce);
  ASSERT_EQ(bytes.size(), 48u);
  for (std::size_t i = 0; i < 40; ++i) {
    const std::byte wanted = i == 0 ? std::byte{0x23} : i == 3 ? std::byte{0x20} : std::byte{0};
    EXPECT_EQ(bytes[i], wanted) << i;
  }
  EXPECT_EQ(bytes[40], std::byte{0x11});
  EXPECT_EQ(bytes[47], std::byte{0x18});
}

TEST(Ntp, ReadsWhatChronydAnswered) {
  const auto bytes = from_hex(kRecordedNtp);
  EXPECT_TRUE(answers_ntp_request(bytes, kNonce));
  EXPECT_FALSE(answers_ntp_request(bytes, kNonce + 1));
  const auto reply = parse_ntp_reply(bytes, kNear);
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_TRUE(reply->synchronised());
  EXPECT_EQ(reply->leap, 0);
  EXPECT_EQ(reply->stratum, 1);
  EXPECT_EQ(reply->precision, Nanoseconds(15));  // 2^-26 s
  EXPECT_EQ(reply->root_delay, Nanoseconds(15'259));
  EXPECT_EQ(reply->root_distance(), Nanoseconds(15'259 / 2 + 15'259));
  EXPECT_NEAR(seconds(reply->received), 1795281038.742756, 1e-5);
  EXPECT_NEAR(seconds(reply->transmitted - reply->received), 13e-6, 1e-6);
}

TEST(Ntp, AServerWithoutTimeStillShowsItsClock) {
  const auto reply = parse_ntp_reply(from_hex(kRecordedNtpUnsynchronised), kNear);
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_FALSE(reply->synchronised());
  EXPECT_EQ(reply->leap, std::nullopt);
  EXPECT_EQ(reply->stratum, 0);
  EXPECT_NEAR(seconds(reply->received), 1795281034.353, 1e-3);
}

TEST(Ntp, AKissOfDeathIsARefusal) {
  auto bytes = from_hex(kRecordedNtpUnsynchronised);
  for (std::size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<std::byte>("RATE"[i]);
  const auto reply = parse_ntp_reply(bytes, kNear);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error(), Error(ErrorKind::rejected, "ntp: kiss-o'-death RATE"));
}

TEST(Ntp, StratumSixteenIsNotSynchronised) {
  auto bytes = from_hex(kRecordedNtp);
  bytes[1] = std::byte{16};
  EXPECT_FALSE(parse_ntp_reply(bytes, kNear)->synchronised());
  bytes[1] = std::byte{17};
  EXPECT_FALSE(parse_ntp_reply(bytes, kNear));
}

TEST(Ntp, AnnouncesLeapSeconds) {
  auto bytes = from_hex(kRecordedNtp);
  bytes[0] = std::byte{0x64};
  EXPECT_EQ(parse_ntp_reply(bytes, kNear)->leap, 1);
  bytes[0] = std::byte{0xa4};
  EXPECT_EQ(parse_ntp_reply(bytes, kNear)->leap, -1);
}

TEST(Ntp, RefusesWhatIsNoReplyOfAServer) {
  const auto good = from_hex(kRecordedNtp);
  const auto refuses = [](std::vector<std::byte> bytes) {
    const auto reply = parse_ntp_reply(bytes, kNear);
    return !reply && reply.error().kind() == ErrorKind::protocol;
  };
  EXPECT_TRUE(refuses({good.begin(), good.begin() + 47}));
  EXPECT_FALSE(answers_ntp_request(std::span(good).first(47), kNonce));
  auto client = good;
  client[0] = std::byte{0x23};
  EXPECT_TRUE(refuses(client));
  auto timeless = good;
  for (std::size_t i = 40; i < 48; ++i) timeless[i] = std::byte{0};
  EXPECT_TRUE(refuses(timeless));
  auto backwards = good;
  backwards[43] = std::byte{0};
  EXPECT_TRUE(refuses(backwards));
}

}  // namespace
}  // namespace qw::wire
