#include <algorithm>
#include <boost/asio/ip/tcp.hpp>

#include "probes/network/icmp.hpp"
#include "probes/network/reflector.hpp"
#include "probes/network/stamp.hpp"
#include "probes/network/tcp.hpp"
#include "probes/wire/ntp_time.hpp"
#include "tests/unit/network/loop.hpp"

namespace qw::probes {
namespace {

using asio::ip::make_address;
using std::chrono::microseconds;
using test::in;
using test::milliseconds;

/// A reflector that does what a test wants of it: answers some packets, or forges answers.
Task<void> play(net::DatagramSocket& socket,
                std::function<std::vector<std::vector<std::byte>>(net::Bytes)> answers) {
  while (true) {
    auto waited = co_await socket.wait(SteadyTime::max());
    if (!waited) co_return;
    const auto arrivals = socket.take();
    for (const auto& question : arrivals.datagrams) {
      for (const auto& answer : answers(question.bytes)) {
        const std::array<net::Outgoing, 1> packet{{{.to = question.from, .bytes = answer}}};
        socket.send(packet);
      }
    }
  }
}

std::vector<std::byte> reflect(const wire::StampRequest& request, std::uint32_t sequence) {
  const auto now = wire::to_ntp_time(std::chrono::system_clock::now());
  std::vector<std::byte> bytes(wire::kStampSize);
  wire::write_stamp_reply({.sequence = sequence,
                           .timestamp = now,
                           .error_estimate = 1,
                           .session = request.session,
                           .received = now,
                           .sender = request},
                          bytes);
  return bytes;
}

/// Pingers against peers on loopback, by both families.
class PingerTest : public ::testing::TestWithParam<const char*> {
 protected:
  TrainOrder order(const net::Endpoint& to, std::uint32_t packets) const {
    return {.member = "peer",
            .path = "peer#0",
            .to = to,
            .packets = packets,
            .first = std::chrono::steady_clock::now(),
            .every = milliseconds(1)};
  }
  net::Endpoint any(std::uint16_t port = 0) const { return {make_address(GetParam()), port}; }
  Reflector& start_reflector() {
    auto opened = Reflector::open(loop_.executor(), {.listen = {any()}}, [] {
      return wire::ErrorEstimate{.synchronised = true, .ptp = false, .bound = microseconds(250)};
    });
    EXPECT_TRUE(opened);
    reflector_ = std::move(*opened);
    for (auto& task : reflector_->tasks()) loop_.spawn(std::move(task));
    return *reflector_;
  }
  std::vector<TrainOutcome> send(Pinger& pinger, std::vector<TrainOrder> orders, milliseconds within) {
    return loop_.run(pinger.send(std::move(orders), in(within)));
  }

  test::Loop loop_;
  std::unique_ptr<Reflector> reflector_;
};
INSTANTIATE_TEST_SUITE_P(Families, PingerTest, ::testing::Values("127.0.0.1", "::1"));

TEST_P(PingerTest, StampMeasuresBothClocksAndLosesNothing) {
  const auto to = start_reflector().listening().front();
  PacketPinger pinger(loop_.executor(), make_stamp());
  auto second = order(to, 10);
  second.lane = 1;
  second.path = "peer#1";
  const auto outcomes = send(pinger, {order(to, 20), second}, milliseconds(3000));
  ASSERT_EQ(outcomes.size(), 2U);
  const auto& [train, trips, clocks, state, error] = outcomes[0];
  EXPECT_EQ(train.sent, 20U);
  EXPECT_EQ(train.received, 20U);
  EXPECT_EQ(train.lost_forward, 0U);
  EXPECT_EQ(train.lost_backward, 0U);
  EXPECT_EQ(train.method, "stamp");
  EXPECT_EQ(train.path, "peer#0");
  EXPECT_FALSE(error);
  ASSERT_EQ(trips.size() + train.disturbed, 20U);
  for (const auto& trip : trips) {
    EXPECT_GE(trip.value, Nanoseconds(0));
    EXPECT_LT(trip.value, milliseconds(100));
    EXPECT_TRUE(trip.held && trip.error && trip.send_lag);
  }
  ASSERT_FALSE(clocks.empty());
  for (const auto& reading : clocks) {
    // The peer's clock is ours: an offset of 0 lies in every interval.
    EXPECT_LE(*reading.remote_sent, reading.local_received);
    EXPECT_GE(reading.remote + reading.resolution, reading.local_sent);
  }
  ASSERT_TRUE(state);
  EXPECT_EQ(state->synchronised, true);
  EXPECT_GE(*state->bound, microseconds(250));
  EXPECT_EQ(outcomes[1].train.received, 10U);
  EXPECT_EQ(outcomes[1].train.path, "peer#1");
  EXPECT_EQ(reflector_->stats().sessions, 2U) << "each lane has a port of its own";
}

TEST_P(PingerTest, StampIsToldAfterwardsWhenAnAnswerLeft) {
  const auto to = start_reflector().listening().front();
  PacketPinger pinger(loop_.executor(), make_stamp());
  send(pinger, {order(to, 4)}, milliseconds(3000));
  auto outcomes = send(pinger, {order(to, 20)}, milliseconds(3000));
  // A busy kernel may tell when it sent the last answer only after the train is over.
  for (int again = 0; again < 5 && outcomes[0].train.sent == 20; ++again)
    outcomes = send(pinger, {order(to, 20)}, milliseconds(3000));
  const auto& [train, trips, clocks, state, error] = outcomes[0];
  EXPECT_EQ(train.sent, 21U) << "one more, for the second word on the last";
  EXPECT_EQ(train.received, 21U);
  EXPECT_EQ(train.lost_forward, 0U);
  EXPECT_GE(trips.size() + train.disturbed, 20U);
  EXPECT_LE(trips.size(), 20U) << "it is no sample itself";
  const auto corrected =
      std::ranges::count_if(trips, [](const auto& trip) { return *trip.error < microseconds(40); });
  EXPECT_GE(corrected, 15) << "without 50 us for what the reflector can not know";
}

TEST_P(PingerTest, WhatIsLostIsNotWaitedForUntilTheDeadline) {
  net::DatagramOptions options;
  options.local = any();
  auto socket = net::DatagramSocket::open(loop_.executor(), options);
  ASSERT_TRUE(socket);
  std::uint32_t seen = 0;
  std::vector<std::vector<std::byte>> kept;
  loop_.spawn(play(**socket, [&](net::Bytes bytes) -> std::vector<std::vector<std::byte>> {
    auto answer = reflect(*wire::read_stamp_request(bytes), seen);
    if (++seen == 8) {
      kept.push_back(std::move(answer));
      return {};
    }
    std::vector<std::vector<std::byte>> out{std::move(answer)};
    // The answer that was missed comes with the next train's.
    if (seen > 12) std::ranges::move(kept, std::back_inserter(out)), kept.clear();
    return out;
  }));
  PacketPinger pinger(loop_.executor(), make_stamp());
  const auto begun = std::chrono::steady_clock::now();
  auto outcomes = send(pinger, {order((*socket)->local(), 12)}, milliseconds(8000));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(4000));
  EXPECT_EQ(outcomes[0].train.received, 11U);
  EXPECT_EQ(outcomes[0].train.lost_at.size(), 1U);
  outcomes = send(pinger, {order((*socket)->local(), 12)}, milliseconds(8000));
  EXPECT_EQ(outcomes[0].train.received, 12U);
  EXPECT_EQ(outcomes[0].train.late, 1U) << "it is no success of either train";
}

TEST_P(PingerTest, ACancelledTrainLeavesNothingBehind) {
  net::DatagramOptions options;
  options.local = any();
  const auto mute = net::DatagramSocket::open(loop_.executor(), options);
  ASSERT_TRUE(mute);
  const auto to = start_reflector().listening().front();
  PacketPinger pinger(loop_.executor(), make_stamp());
  async::TaskGroup tasks(loop_.executor(),
                         [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  const auto keep = [](Pinger& of, std::vector<TrainOrder> orders) -> Task<void> {
    co_await of.send(std::move(orders), in(milliseconds(5000)));
  };
  tasks.spawn("train", keep(pinger, {order(to, 5), order((*mute)->local(), 5)}));
  EXPECT_TRUE(loop_.until([&] { return reflector_->stats().reflected >= 3; }));
  tasks.cancel();
  EXPECT_TRUE(loop_.until([&] { return tasks.size() == 0; }));
  auto other = order((*mute)->local(), 2);
  const auto outcomes = send(pinger, {other}, milliseconds(50));
  EXPECT_EQ(outcomes[0].train.sent, 2U);
  EXPECT_EQ(outcomes[0].train.received, 0U);
}

TEST_P(PingerTest, StampEndsAtOnceWhereNobodyListens) {
  const auto gone = start_reflector().listening().front();
  PacketPinger pinger(loop_.executor(), make_stamp());
  const auto closed = net::Endpoint(gone.address(), static_cast<std::uint16_t>(gone.port() ^ 1U));
  const auto begun = std::chrono::steady_clock::now();
  const auto outcomes = send(pinger, {order(closed, 3)}, milliseconds(5000));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(2000));
  EXPECT_EQ(outcomes[0].train.sent, 3U);
  EXPECT_EQ(outcomes[0].train.received, 0U);
  ASSERT_TRUE(outcomes[0].error);
  EXPECT_EQ(outcomes[0].error->kind(), ErrorKind::refused);
}

TEST_P(PingerTest, IcmpIsAnsweredByTheKernel) {
  PacketPinger pinger(loop_.executor(), make_icmp());
  const auto outcomes = send(pinger, {order(any(862), 10)}, milliseconds(3000));
  const auto& [train, trips, clocks, state, error] = outcomes[0];
  if (error && error->kind() == ErrorKind::rejected) GTEST_SKIP() << error->message();
  EXPECT_EQ(train.sent, 10U);
  EXPECT_EQ(train.received, 10U);
  EXPECT_FALSE(train.lost_forward) << "it can not tell";
  EXPECT_EQ(trips.size() + train.disturbed, 10U);
  // The kernel begins to stamp what comes some time after the first socket has asked for it.
  EXPECT_GE(std::ranges::count_if(trips, [](const auto& trip) { return *trip.error < microseconds(150); }),
            5);
}

TEST_P(PingerTest, TcpIsTimedByTheKernel) {
  asio::io_context other;
  asio::ip::tcp::acceptor acceptor(other, {make_address(GetParam()), 0});
  const auto pinger = make_tcp(loop_.executor(), true);
  const auto open = any(acceptor.local_endpoint().port());
  const auto outcomes = send(*pinger, {order(open, 3)}, milliseconds(3000));
  EXPECT_EQ(outcomes[0].train.sent, 3U);
  EXPECT_EQ(outcomes[0].train.received, 3U);
  ASSERT_EQ(outcomes[0].trips.size(), 3U);
  EXPECT_GT(outcomes[0].trips[0].value, Nanoseconds(0));
  acceptor.close();
  const auto closed = send(*pinger, {order(open, 1)}, milliseconds(3000));
  EXPECT_EQ(closed[0].train.sent, 0U) << "a refusal is no loss";
  EXPECT_EQ(closed[0].error->message(), "connection refused");
}

TEST_P(PingerTest, LossesDuplicatesAndForgeriesAreToldApart) {
  net::DatagramOptions options;
  options.local = any();
  auto socket = net::DatagramSocket::open(loop_.executor(), options);
  ASSERT_TRUE(socket);
  std::uint32_t seen = 0, counted = 0;
  loop_.spawn(play(**socket, [&](net::Bytes bytes) -> std::vector<std::vector<std::byte>> {
    const auto request = *wire::read_stamp_request(bytes);
    const auto number = seen++;
    if (number == 3) return {};  // as if lost on its way here
    const auto answer = reflect(request, counted++);
    if (number == 5) return {};  // lost on its way back
    if (number == 6) return {answer, answer};
    auto forged = request;
    forged.timestamp ^= 0x1000;
    return {reflect(forged, counted), answer, std::vector<std::byte>(20)};
  }));
  PacketPinger pinger(loop_.executor(), make_stamp());
  const auto outcomes = send(pinger, {order((*socket)->local(), 12)}, milliseconds(500));
  const auto& train = outcomes[0].train;
  EXPECT_EQ(train.sent, 12U);
  EXPECT_EQ(train.received, 10U);
  EXPECT_EQ(train.lost_forward, 1U);
  EXPECT_EQ(train.lost_backward, 1U);
  EXPECT_EQ(train.duplicates, 1U);
}

}  // namespace
}  // namespace qw::probes
