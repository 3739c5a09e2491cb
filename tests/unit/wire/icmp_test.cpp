#include "probes/wire/icmp.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace qw::wire {
namespace {

std::vector<std::byte> bytes_of(std::string_view hex) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

std::vector<std::byte> text(std::string_view from) {
  std::vector<std::byte> out;
  for (const char c : from) out.push_back(static_cast<std::byte>(c));
  return out;
}

// Written by scapy 2.5.0: id 0x1234, sequence 9, "quorumwatch".
constexpr std::string_view kRequest = "08003ba81234000971756f72756d7761746368";
constexpr std::string_view kReplyWithHeader =
    "4600002b00010000400179cd7f0000017f00000101010101000043a81234000971756f72756d7761746368";

TEST(Icmp, WritesTheRequestThatAnIndependentCodecWrites) {
  const auto payload = text("quorumwatch");
  std::vector<std::byte> out(kEchoHeaderSize + payload.size());
  write_echo_request({.id = 0x1234, .sequence = 9, .payload = payload}, false, out);
  EXPECT_EQ(out, bytes_of(kRequest));
  write_echo_request({.id = 0x1234, .sequence = 9, .payload = payload}, true, out);
  EXPECT_EQ(out[0], std::byte{128});
}

TEST(Icmp, ReadsTheReplyBehindAnIpHeaderWithOptions) {
  const auto bytes = bytes_of(kReplyWithHeader);
  const auto echo = read_echo_reply(bytes, false, true);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->id, 0x1234);
  EXPECT_EQ(echo->sequence, 9);
  EXPECT_EQ(std::vector(echo->payload.begin(), echo->payload.end()), text("quorumwatch"));
  const auto alone = read_echo_reply(std::span(bytes).subspan(24), false);
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->sequence, 9);
}

TEST(Icmp, NothingElseIsAReply) {
  EXPECT_FALSE(read_echo_reply(bytes_of(kRequest), false));
  EXPECT_FALSE(read_echo_reply(bytes_of("0000ffff123400"), false));
  EXPECT_FALSE(read_echo_reply(bytes_of("8100ffff12340009"), false));
  EXPECT_TRUE(read_echo_reply(bytes_of("8100ffff12340009"), true));
  const auto bytes = bytes_of(kReplyWithHeader);
  for (std::size_t size = 0; size < 24 + kEchoHeaderSize; ++size) {
    EXPECT_FALSE(read_echo_reply(std::span(bytes).first(size), false, true)) << size;
  }
}

TEST(Icmp, TheChecksumOfAPacketWithItsChecksumIsZero) {
  EXPECT_EQ(internet_checksum(bytes_of(kRequest)), 0);
}

}  // namespace
}  // namespace qw::wire
