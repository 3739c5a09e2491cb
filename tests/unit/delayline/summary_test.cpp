#include "tests/lab/delayline/summary.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace qw::lab {
namespace {

using Packet = std::vector<std::uint8_t>;

Packet ip4(std::uint8_t protocol, const Packet& payload) {
  Packet packet(14 + 20);
  packet[12] = 0x08;
  packet[14] = 0x45;
  packet[23] = protocol;
  packet[26] = packet[30] = 10;
  packet[29] = 1;
  packet[33] = 2;
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

TEST(Summary, TellsPacketsApart) {
  EXPECT_EQ(summary(ip4(1, {8, 0, 0, 0, 0, 77, 0, 3})), "10.0.0.1 10.0.0.2 icmp 8 77 3");
  EXPECT_EQ(summary(ip4(17, {0x9c, 0x40, 0x03, 0x5e, 0, 12, 0, 0, 0, 0, 0, 7})),
            "10.0.0.1 10.0.0.2 udp 40000 862 00000007");
  EXPECT_EQ(summary(ip4(6, {0x9c, 0x40, 0x09, 0x4b, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02})),
            "10.0.0.1 10.0.0.2 tcp 40000 2379 2");
  EXPECT_EQ(summary(ip4(47, {1})), "10.0.0.1 10.0.0.2 47");
}

TEST(Summary, ReadsNothingBeyondTheEnd) {
  const auto whole = ip4(17, {0x9c, 0x40, 0x03, 0x5e, 0, 8, 0, 0});
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    EXPECT_FALSE(summary(std::span(whole).first(size)).empty());
  }
  auto long_header = whole;
  long_header[14] = 0x4f;
  EXPECT_EQ(summary(long_header), "10.0.0.1 10.0.0.2 17");
}

}  // namespace
}  // namespace qw::lab
