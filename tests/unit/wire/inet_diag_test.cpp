#include "probes/wire/inet_diag.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <cstddef>
#include <cstring>

namespace qw::wire {
namespace {

template <class T>
std::string bytes_of(const T& value, std::size_t size = sizeof(T)) {
  return {reinterpret_cast<const char*>(&value), size};
}

std::string message(std::uint16_t type, std::uint32_t sequence, const std::string& body) {
  const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(sizeof(nlmsghdr) + body.size()),
                        .nlmsg_type = type,
                        .nlmsg_flags = 0,
                        .nlmsg_seq = sequence,
                        .nlmsg_pid = 0};
  return bytes_of(header) + body;
}

std::string attribute(std::uint16_t type, const std::string& value) {
  const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), .nla_type = type};
  std::string out = bytes_of(header) + value;
  out.resize((out.size() + 3) / 4 * 4);
  return out;
}

inet_diag_msg socket_to(const char* peer, std::uint16_t port) {
  inet_diag_msg message{};
  message.idiag_family = AF_INET;
  message.id.idiag_sport = htons(2380);
  message.id.idiag_dport = htons(port);
  inet_pton(AF_INET, peer, message.id.idiag_dst);
  message.id.idiag_cookie[0] = 7;
  message.id.idiag_cookie[1] = 1;
  return message;
}

tcp_info counts(std::uint32_t segments, std::uint32_t retransmits) {
  tcp_info info{};
  info.tcpi_segs_out = segments;
  info.tcpi_total_retrans = retransmits;
  info.tcpi_min_rtt = 250;
  return info;
}

std::string answer(std::uint32_t sequence) {
  return message(SOCK_DIAG_BY_FAMILY, sequence,
                 bytes_of(socket_to("10.0.0.2", 40001)) + attribute(INET_DIAG_SHUTDOWN, "x") +
                     attribute(INET_DIAG_INFO, bytes_of(counts(1000, 3))));
}

TEST(InetDiag, ReadsPeerPortsAndCounts) {
  const auto read = parse_tcp_sockets(answer(5) + message(NLMSG_DONE, 5, std::string(4, '\0')), 5);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(read->done);
  EXPECT_EQ(read->refusal, 0);
  ASSERT_EQ(read->sockets.size(), 1u);
  const auto& socket = read->sockets[0];
  EXPECT_EQ(print_address(socket.peer), "10.0.0.2");
  EXPECT_EQ(socket.local_port, 2380);
  EXPECT_EQ(socket.peer_port, 40001);
  EXPECT_EQ(socket.cookie, (1ull << 32) + 7);
  EXPECT_EQ(socket.segments_sent, 1000u);
  EXPECT_EQ(socket.retransmits, 3u);
  EXPECT_EQ(socket.min_rtt_us, 250u);
}

TEST(InetDiag, LeavesOutAnswersToAnOlderQuestion) {
  const auto read = parse_tcp_sockets(answer(4) + message(NLMSG_DONE, 4, std::string(4, '\0')), 5);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->sockets.empty());
  EXPECT_FALSE(read->done);
}

TEST(InetDiag, AReportOfAClosedSocketHasNoNumber) {
  const auto read = parse_tcp_sockets(answer(0), 0);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sockets.size(), 1u);
}

TEST(InetDiag, ASocketThatNeverHadAPeerIsNoPeer) {
  const auto text =
      message(SOCK_DIAG_BY_FAMILY, 0,
              bytes_of(socket_to("0.0.0.0", 0)) + attribute(INET_DIAG_INFO, bytes_of(counts(0, 0))));
  const auto read = parse_tcp_sockets(text, 0);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->sockets.empty());
}

TEST(InetDiag, ASocketWithoutARoundTripHasNoShortestOne) {
  auto info = counts(1, 1);
  info.tcpi_min_rtt = 0xffffffff;
  const auto read = parse_tcp_sockets(
      message(SOCK_DIAG_BY_FAMILY, 1,
              bytes_of(socket_to("10.0.0.2", 1)) + attribute(INET_DIAG_INFO, bytes_of(info))),
      1);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->sockets.size(), 1u);
  EXPECT_FALSE(read->sockets[0].min_rtt_us);
}

TEST(InetDiag, AnOldKernelThatCountsNoSegmentsIsLeftOut) {
  const auto text =
      message(SOCK_DIAG_BY_FAMILY, 1,
              bytes_of(socket_to("10.0.0.2", 1)) +
                  attribute(INET_DIAG_INFO, bytes_of(counts(1, 1), offsetof(tcp_info, tcpi_segs_out))));
  const auto read = parse_tcp_sockets(text, 1);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->sockets.empty());
}

TEST(InetDiag, ARefusalIsTheKernelsErrno) {
  nlmsgerr error{};
  error.error = -ENOENT;
  const auto read = parse_tcp_sockets(message(NLMSG_ERROR, 9, bytes_of(error)), 9);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->done);
  EXPECT_EQ(read->refusal, ENOENT);
}

TEST(InetDiag, MessagesThatDoNotFitAreRefused) {
  const auto whole = answer(5);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_tcp_sockets(whole.substr(0, size), 5)) << size;
  }
  auto long_attribute = whole;
  long_attribute[sizeof(nlmsghdr) + sizeof(inet_diag_msg)] = '\x7f';
  EXPECT_TRUE(parse_tcp_sockets(whole, 5));
  long_attribute[sizeof(nlmsghdr) + sizeof(inet_diag_msg) + 1] = '\x7f';
  EXPECT_FALSE(parse_tcp_sockets(long_attribute, 5));
}

TEST(InetDiag, PrintsAddressesOfBothVersions) {
  std::array<std::uint8_t, 16> address{};
  ASSERT_EQ(inet_pton(AF_INET6, "2001:db8::1", address.data()), 1);
  EXPECT_EQ(print_address(address), "2001:db8::1");
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:10.1.2.3", address.data()), 1);
  EXPECT_EQ(print_address(address), "10.1.2.3");
}

TEST(InetDiag, AsksForOneVersion) {
  const auto four = make_tcp_dump(IpVersion::four, 1);
  const auto six = make_tcp_dump(IpVersion::six, 1);
  ASSERT_EQ(four.size(), sizeof(nlmsghdr) + sizeof(inet_diag_req_v2));
  EXPECT_EQ(four[sizeof(nlmsghdr)], AF_INET);
  EXPECT_EQ(six[sizeof(nlmsghdr)], AF_INET6);
}

}  // namespace
}  // namespace qw::wire
