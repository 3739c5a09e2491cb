#include "daemon/net/udp.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <map>

#include "tests/unit/net/loopback.hpp"

namespace qw::net {
namespace {

using test::in;
using test::milliseconds;
using Opened = std::unique_ptr<DatagramSocket>;

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> out;
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  return out;
}
std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What a test saw of a socket.
struct Seen {
  std::map<std::uint32_t, WallTime> transmitted;
  std::vector<std::string> texts;
  std::vector<Arrival> arrivals;
  std::vector<Endpoint> from;
  std::vector<std::string> undelivered;
  bool cut = false;
};

/// Takes until `count` datagrams and stamps are there or the deadline has passed.
Task<Seen> collect(DatagramSocket& socket, std::size_t datagrams, std::size_t stamps, std::size_t reports,
                   SteadyTime deadline) {
  Seen seen;
  while (seen.texts.size() < datagrams || seen.transmitted.size() < stamps ||
         seen.undelivered.size() < reports) {
    auto waited = co_await socket.wait(deadline);
    if (!waited) co_return seen;
    const auto arrivals = socket.take();
    for (const auto& stamp : arrivals.transmitted) seen.transmitted[stamp.id] = stamp.at;
    for (const auto& report : arrivals.undelivered) seen.undelivered.push_back(report.error.message());
    for (const auto& datagram : arrivals.datagrams) {
      seen.texts.push_back(text_of(datagram.bytes));
      seen.arrivals.push_back(datagram.arrival);
      seen.from.push_back(datagram.from);
      seen.cut = seen.cut || datagram.cut;
    }
  }
  co_return seen;
}

Task<Result<void>> wait_once(DatagramSocket& socket, SteadyTime deadline) {
  auto waited = co_await socket.wait(deadline);
  co_return waited;
}

/// Answers each datagram with its own text.
Task<void> echo(DatagramSocket& socket) {
  for (;;) {
    auto waited = co_await socket.wait(SteadyTime::max());
    if (!waited) co_return;
    for (const auto& datagram : socket.take().datagrams) {
      const std::array<Outgoing, 1> reply{
          {{.to = datagram.from, .bytes = datagram.bytes, .from = datagram.to}}};
      socket.send(reply);
    }
  }
}

class UdpTest : public test::LoopbackTest {
 protected:
  /// The kernel begins to stamp what comes some time after the first socket has asked for it.
  void SetUp() override {
    stamping_ = open("127.0.0.1");
    const auto text = bytes_of("packet");
    const std::array<Outgoing, 1> packet{{{.to = stamping_->local(), .bytes = text}}};
    ASSERT_TRUE(loop().until([&] {
      stamping_->send(packet);
      return std::ranges::any_of(stamping_->take().datagrams,
                                 [](const auto& datagram) { return datagram.arrival.kernel.has_value(); });
    }));
  }
  void TearDown() override {
    stamping_.reset();
    LoopbackTest::TearDown();
  }
  Opened open(const std::string& address, DatagramOptions options = {}) {
    options.local = Endpoint(asio::ip::make_address(address), 0);
    auto opened = DatagramSocket::open(loop().executor(), options);
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? std::move(*opened) : nullptr;
  }

 private:
  Opened stamping_;
};

class UdpFamilyTest : public UdpTest, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, UdpFamilyTest, ::testing::Values("127.0.0.1", "::1"));

TEST_P(UdpFamilyTest, EveryPacketOfABatchHasItsOwnStampsAtBothEnds) {
  auto sender = open(GetParam());
  auto receiver = open(GetParam());
  const auto text = bytes_of("packet");
  const std::vector<Outgoing> packets(150, {.to = receiver->local(), .bytes = text});
  const auto sent = sender->send(packets);
  EXPECT_EQ(sent.count, 150U);
  EXPECT_FALSE(sent.error);
  const auto stamps = loop().run(collect(*sender, 0, 150, 0, in(milliseconds(2000))));
  const auto came = loop().run(collect(*receiver, 150, 0, 0, in(milliseconds(2000))));
  ASSERT_EQ(stamps.transmitted.size(), 150U);
  ASSERT_EQ(came.texts.size(), 150U);
  WallTime last = sent.before.wall;
  for (std::uint32_t i = 0; i < 150; ++i) {
    const auto at = stamps.transmitted.at(sent.first_id + i);
    EXPECT_GE(at, last) << i;
    EXPECT_LE(at, sent.after.wall) << i;
    ASSERT_TRUE(came.arrivals[i].kernel);
    EXPECT_GE(*came.arrivals[i].kernel, at) << i;
    EXPECT_EQ(came.from[i], sender->local());
    last = at;
  }
}

TEST_P(UdpFamilyTest, AnAnswerIsTimedFromKernelToKernel) {
  auto server = open(GetParam(), {.local_addresses = true});
  loop().spawn(echo(*server));
  UdpQuestion question{.to = server->local(), .bytes = bytes_of("hello")};
  const auto answer = loop().run(ask_udp(loop().executor(), question, in(milliseconds(2000))));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(text_of(answer->bytes), "hello");
  EXPECT_TRUE(answer->flight.kernel_sent && answer->flight.kernel_received);
  EXPECT_GT(answer->flight.duration(), Nanoseconds(0));
}

TEST_P(UdpFamilyTest, APortWhereNobodyListensIsRefusedAtOnce) {
  const auto gone = open(GetParam())->local();
  UdpQuestion question{.to = gone, .bytes = bytes_of("hello")};
  const auto answer = loop().run(ask_udp(loop().executor(), question, in(milliseconds(5000))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::refused);
  EXPECT_EQ(answer.error().message(), "connection refused");
}

TEST_P(UdpFamilyTest, DeadPeersInABatchSpoilNeitherThePacketsNorTheStampsOfOthers) {
  auto sender = open(GetParam());
  auto receiver = open(GetParam());
  const auto gone = open(GetParam())->local();
  const auto text = bytes_of("packet");
  std::vector<Outgoing> packets;
  for (int i = 0; i < 30; ++i) {
    packets.push_back({.to = gone, .bytes = text});
    packets.push_back({.to = receiver->local(), .bytes = text});
  }
  const auto sent = sender->send(packets);
  EXPECT_EQ(sent.count, 60U);
  const auto seen = loop().run(collect(*sender, 0, 60, 30, in(milliseconds(2000))));
  EXPECT_EQ(seen.transmitted.size(), 60U);
  EXPECT_EQ(seen.undelivered.size(), 30U);
  const auto came = loop().run(collect(*receiver, 30, 0, 0, in(milliseconds(2000))));
  ASSERT_EQ(came.texts.size(), 30U);
  for (std::uint32_t i = 0; i < 30; ++i) {
    const auto at = seen.transmitted.find(sent.first_id + 2 * i + 1);
    ASSERT_NE(at, seen.transmitted.end()) << i;
    // Its own stamp, and neither the one before nor the one after: the packets are some microseconds apart.
    EXPECT_LE(at->second, *came.arrivals[i].kernel) << i;
    if (i > 0) {
      EXPECT_GE(at->second, *came.arrivals[i - 1].kernel) << i;
    }
  }
}

TEST_F(UdpTest, AWaitEndsAtItsDeadlineAndTheNextOneWorks) {
  auto socket = open("127.0.0.1");
  auto sender = open("127.0.0.1");
  const auto nothing = loop().run(wait_once(*socket, in(milliseconds(5))));
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind(), ErrorKind::timeout);
  const auto text = bytes_of("packet");
  const std::array<Outgoing, 1> packet{{{.to = socket->local(), .bytes = text}}};
  sender->send(packet);
  EXPECT_TRUE(loop().run(wait_once(*socket, in(milliseconds(2000)))));
  EXPECT_EQ(socket->take().datagrams.size(), 1U);
}

TEST_F(UdpTest, ALongDatagramIsCutAndSaysSo) {
  auto socket = open("127.0.0.1", {.largest_datagram = 10});
  auto sender = open("127.0.0.1");
  const auto text = bytes_of("twelve bytes");
  const std::array<Outgoing, 1> packet{{{.to = socket->local(), .bytes = text}}};
  sender->send(packet);
  const auto seen = loop().run(collect(*socket, 1, 0, 0, in(milliseconds(2000))));
  ASSERT_EQ(seen.texts.size(), 1U);
  EXPECT_EQ(seen.texts[0], "twelve byt");
  EXPECT_TRUE(seen.cut);
}

TEST_F(UdpTest, AnAnswerComesFromTheAddressThatWasAsked) {
  auto server = open("0.0.0.0", {.local_addresses = true});
  loop().spawn(echo(*server));
  // The client is connected: an answer from 127.0.0.1, which the route would choose, would not reach it.
  const Endpoint asked(asio::ip::make_address("127.0.0.77"), server->local().port());
  UdpQuestion question{.to = asked, .bytes = bytes_of("hello")};
  const auto answer = loop().run(ask_udp(loop().executor(), question, in(milliseconds(2000))));
  EXPECT_TRUE(answer) << answer.error().message();
}

TEST_F(UdpTest, DatagramsThatAreNoAnswerAreWaitedPast) {
  auto server = open("127.0.0.1");
  loop().spawn(echo(*server));
  UdpQuestion question{
      .to = server->local(), .bytes = bytes_of("hello"), .is_answer = [](Bytes) { return false; }};
  const auto answer = loop().run(ask_udp(loop().executor(), question, in(milliseconds(15))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::timeout);
}

TEST_F(UdpTest, AnAddressThatIsNotOursIsNamedAsSuch) {
  DatagramOptions options;
  options.local = Endpoint(asio::ip::make_address("192.0.2.1"), 0);
  const auto opened = DatagramSocket::open(loop().executor(), options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::unreachable);
  EXPECT_EQ(opened.error().message(), "this machine does not have the address");
}

}  // namespace
}  // namespace qw::net
