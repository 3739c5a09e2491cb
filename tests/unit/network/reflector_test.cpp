#include "probes/network/reflector.hpp"

#include "probes/network/reflector_limits.hpp"
#include "probes/wire/ntp_time.hpp"
#include "tests/unit/network/loop.hpp"

namespace qw::probes {
namespace {

using asio::ip::make_address;
using std::chrono::microseconds;
using std::chrono::seconds;
using test::in;
using test::milliseconds;

constexpr WallTime kThen(std::chrono::hours(480'000));

std::vector<std::byte> request(std::size_t size, std::uint16_t session = 77, std::uint32_t sequence = 1000) {
  const auto packet = wire::write_stamp_request({.sequence = sequence,
                                                 .timestamp = wire::to_ntp_time(kThen),
                                                 .error_estimate = 0x8001,
                                                 .session = session});
  std::vector<std::byte> out(packet.begin(), packet.end());
  out.resize(size);
  return out;
}

Task<std::vector<std::byte>> ask(net::DatagramSocket& socket, net::Endpoint to,
                                 std::vector<std::byte> bytes) {
  const std::array<net::Outgoing, 1> packet{{{.to = to, .bytes = bytes}}};
  socket.send(packet);
  const auto deadline = in(milliseconds(2000));
  for (;;) {
    auto waited = co_await socket.wait(deadline);
    if (!waited) co_return std::vector<std::byte>();
    const auto arrivals = socket.take();
    for (const auto& datagram : arrivals.datagrams) {
      co_return std::vector(datagram.bytes.begin(), datagram.bytes.end());
    }
  }
}

class ReflectorTest : public ::testing::TestWithParam<const char*> {
 protected:
  void start(ReflectorOptions options = {}) {
    options.listen = {net::Endpoint(make_address(GetParam()), 0)};
    auto opened = Reflector::open(loop_.executor(), options, [] {
      return wire::ErrorEstimate{.synchronised = true, .ptp = false, .bound = microseconds(250)};
    });
    ASSERT_TRUE(opened) << opened.error().message();
    reflector_ = std::move(*opened);
    for (auto& task : reflector_->tasks()) loop_.spawn(std::move(task));
    socket_ = client();
  }
  std::unique_ptr<net::DatagramSocket> client() {
    net::DatagramOptions options;
    options.local = net::Endpoint(make_address(GetParam()), 0);
    options.largest_datagram = 2000;
    options.ttl = 200;
    auto opened = net::DatagramSocket::open(loop_.executor(), options);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  std::vector<std::byte> answer_to(std::vector<std::byte> bytes) {
    return loop_.run(ask(*socket_, reflector_->listening().front(), std::move(bytes)));
  }
  /// The packet is not answered: it is counted, and then an ordinary one is.
  void expect_refused(std::vector<std::byte> bytes, Refusal why) {
    const auto count = [&] { return reflector_->stats().refused[static_cast<std::size_t>(why)]; };
    const auto before = count();
    const std::array<net::Outgoing, 1> packet{{{.to = reflector_->listening().front(), .bytes = bytes}}};
    socket_->send(packet);
    EXPECT_TRUE(loop_.until([&] { return count() > before; }));
    EXPECT_EQ(answer_to(request(44)).size(), 44U) << "the first answer is that to the second packet";
  }

  test::Loop loop_;
  std::unique_ptr<Reflector> reflector_;
  std::unique_ptr<net::DatagramSocket> socket_;
};
INSTANTIATE_TEST_SUITE_P(Families, ReflectorTest, ::testing::Values("127.0.0.1", "::1"));

TEST_P(ReflectorTest, SaysWhenAPacketCameAndWhenItsAnswerLeft) {
  start();
  const WallTime before = std::chrono::system_clock::now();
  const auto reply = wire::read_stamp_reply(answer_to(request(44)));
  const WallTime after = std::chrono::system_clock::now();
  ASSERT_TRUE(reply);
  const auto received = wire::from_ntp_time(reply->received, after);
  const auto sent = wire::from_ntp_time(reply->timestamp, after);
  EXPECT_GE(received, before);
  EXPECT_GE(sent, received);
  EXPECT_LE(sent, after);
  EXPECT_EQ(reply->sequence, 0U);
  EXPECT_EQ(reply->session, 77);
  EXPECT_EQ(reply->sender.sequence, 1000U);
  EXPECT_EQ(reply->sender.timestamp, wire::to_ntp_time(kThen));
  EXPECT_EQ(reply->sender.error_estimate, 0x8001);
  EXPECT_EQ(reply->sender_ttl, 200);
  const auto estimate = wire::decode_error_estimate(reply->error_estimate);
  EXPECT_TRUE(estimate.synchronised);
  ASSERT_TRUE(estimate.bound);
  EXPECT_GE(*estimate.bound, microseconds(250));
  EXPECT_LE(*estimate.bound, microseconds(252));
}

TEST_P(ReflectorTest, CountsThePacketsOfEachSenderByItself) {
  start();
  const auto number = [](const std::vector<std::byte>& bytes) {
    return wire::read_stamp_reply(bytes)->sequence;
  };
  EXPECT_EQ(number(answer_to(request(44, 77, 5))), 0U);
  EXPECT_EQ(number(answer_to(request(44, 77, 9))), 1U);
  EXPECT_EQ(number(answer_to(request(44, 78, 9))), 0U) << "another session";
  socket_ = client();
  EXPECT_EQ(number(answer_to(request(44, 77, 9))), 0U) << "another port";
  EXPECT_EQ(reflector_->stats().sessions, 3U);
  const auto heard = reflector_->last_heard(make_address(GetParam()));
  ASSERT_TRUE(heard);
  EXPECT_GT(*heard, in(milliseconds(-10'000)));
  EXPECT_FALSE(reflector_->last_heard(make_address("192.0.2.1")));
}

std::vector<std::byte> asking(std::uint16_t session = 77) {
  auto bytes = request(wire::kStampSize + wire::kFollowUpSize, session);
  wire::write_follow_up_question(std::span(bytes).subspan<wire::kStampSize, wire::kFollowUpSize>());
  return bytes;
}

TEST_P(ReflectorTest, SaysWithTheNextAnswerWhenTheLastOneTrulyLeft) {
  start();
  const auto word = [](const std::vector<std::byte>& bytes) {
    return wire::read_follow_up(std::span(bytes).subspan(wire::kStampSize));
  };
  const auto first = answer_to(asking());
  ASSERT_EQ(first.size(), 64U);
  ASSERT_TRUE(word(first));
  EXPECT_EQ(word(first)->timestamp, 0U) << "there is no earlier answer";
  const auto second = answer_to(asking());
  ASSERT_TRUE(word(second));
  EXPECT_EQ(word(second)->sequence, 0U);
  EXPECT_EQ(word(second)->method, wire::StampMethod::software);
  const WallTime now = std::chrono::system_clock::now();
  const auto said = wire::from_ntp_time(wire::read_stamp_reply(first)->timestamp, now);
  const auto left = wire::from_ntp_time(word(second)->timestamp, now);
  EXPECT_GE(left, said);
  EXPECT_LE(left, now);
  EXPECT_EQ(word(answer_to(asking(78)))->timestamp, 0U) << "another session knows nothing of it";
  EXPECT_EQ(word(answer_to(asking()))->sequence, 1U);
}

TEST_P(ReflectorTest, PacketsThatComeTogetherAreToldOfEachOther) {
  start();
  const auto bytes = asking();
  const std::vector<net::Outgoing> packets(6, {.to = reflector_->listening().front(), .bytes = bytes});
  socket_->send(packets);
  std::vector<std::uint32_t> told;
  const auto listen = [&]() -> Task<std::size_t> {
    while (told.size() < 6) {
      auto waited = co_await socket_->wait(in(milliseconds(2000)));
      if (!waited) break;
      const auto arrivals = socket_->take();
      for (const auto& answer : arrivals.datagrams) {
        const auto word = wire::read_follow_up(answer.bytes.subspan(wire::kStampSize));
        told.push_back(word && word->timestamp != 0 ? word->sequence : 999);
      }
    }
    co_return told.size();
  };
  EXPECT_EQ(loop_.run(listen()), 6U);
  EXPECT_EQ(told, (std::vector<std::uint32_t>{999, 0, 1, 2, 3, 4}));
}

TEST_P(ReflectorTest, AnAnswerHasTheSizeOfItsQuestion) {
  start();
  for (const std::size_t size : {38U, 41U, 44U, 45U, 100U, 1500U})
    EXPECT_EQ(answer_to(request(size, 0)).size(), size);
}

TEST_P(ReflectorTest, WhatIsShorterThanItsAnswerOrTooLongIsRefused) {
  start();
  for (const std::size_t size : {0U, 1U, 14U, 37U, 1501U}) expect_refused(request(size), Refusal::malformed);
}

TEST_P(ReflectorTest, AnAnswerIsNotAnswered) {
  start();
  auto reply = answer_to(request(44));
  ASSERT_EQ(reply.size(), 44U);
  expect_refused(reply, Refusal::reflected);
}

TEST_P(ReflectorTest, OneSourceGetsItsShareAndNoMore) {
  start({.listen = {}, .packets_per_second = 1000, .packets_per_second_and_source = 10});
  const auto bytes = request(44);
  const std::vector<net::Outgoing> packets(50, {.to = reflector_->listening().front(), .bytes = bytes});
  socket_->send(packets);
  const auto stats = [&] { return reflector_->stats(); };
  EXPECT_TRUE(loop_.until([&] {
    return stats().reflected + stats().refused[static_cast<std::size_t>(Refusal::source_limit)] >= 50;
  }));
  EXPECT_GE(stats().reflected, 10U);
  EXPECT_LE(stats().reflected, 20U);
}

TEST(ReflectorLimits, AllTogetherAreLimitedToo) {
  ReflectorLimits limits(100, 10, 1);
  int admitted = 0;
  for (unsigned i = 0; i < 200; ++i) {
    const auto source = asio::ip::address(asio::ip::address_v4(0x0a000000U + i));
    admitted += limits.admit(source, SteadyTime(seconds(1))) == Admission::admitted ? 1 : 0;
  }
  EXPECT_EQ(admitted, 100);
  const auto fresh = make_address("192.0.2.7");
  EXPECT_EQ(limits.admit(fresh, SteadyTime(seconds(1))), Admission::total_limit);
  EXPECT_EQ(limits.admit(fresh, SteadyTime(seconds(2))), Admission::admitted);
}

TEST(ReflectorSessions, RememberTheLatestAnswerThatLeft) {
  ReflectorSessions sessions(1);
  const ReflectorSessions::Key known{.from = {asio::ip::address_v4(1), 5000}, .session = 1};
  const ReflectorSessions::Key unknown{.from = {asio::ip::address_v4(2), 5000}, .session = 1};
  sessions.count(known, SteadyTime(seconds(100)));
  EXPECT_FALSE(sessions.last_left(known));
  sessions.left(known, {.number = 5, .at = kThen});
  sessions.left(known, {.number = 4, .at = kThen + seconds(1)});
  EXPECT_EQ(sessions.last_left(known)->number, 5U) << "stamps may come in another order";
  EXPECT_EQ(sessions.last_left(known)->at, kThen);
  sessions.left(unknown, {.number = 1, .at = kThen});
  EXPECT_FALSE(sessions.last_left(unknown));
  EXPECT_EQ(sessions.size(), 1U);
}

TEST(ReflectorSessions, ForgedSendersDoNotGrowTheTable) {
  ReflectorSessions sessions(1);
  const auto key = [](std::uint32_t i) {
    return ReflectorSessions::Key{.from = {asio::ip::address_v4(i), 5000}, .session = 1};
  };
  for (std::uint32_t i = 0; i < ReflectorSessions::kMost; ++i) {
    EXPECT_EQ(sessions.count(key(i), SteadyTime(seconds(100))), 0U);
  }
  EXPECT_FALSE(sessions.count(key(0xffff'ffff), SteadyTime(seconds(101)))) << "answered without state";
  EXPECT_EQ(sessions.count(key(7), SteadyTime(seconds(1000))), 1U);
  EXPECT_EQ(sessions.size(), ReflectorSessions::kMost);
  EXPECT_EQ(sessions.count(key(0xffff'ffff), SteadyTime(seconds(1100))), 0U) << "idle ones give way";
  EXPECT_EQ(sessions.size(), 2U);
}

}  // namespace
}  // namespace qw::probes
