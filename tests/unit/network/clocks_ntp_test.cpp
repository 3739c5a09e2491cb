// The NTP member against a server on loopback that misbehaves.
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <optional>

#include "probes/network/clocks_member.hpp"
#include "probes/wire/big_endian.hpp"
#include "probes/wire/ntp_time.hpp"

namespace qw::probes {
namespace {

using namespace std::chrono_literals;
using Packet = std::vector<std::byte>;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);

/// A good reply of a server whose clock is `ahead`.
Packet reply_to(std::span<const std::byte> request, Nanoseconds ahead) {
  Packet reply(48);
  reply[0] = std::byte{0x24};
  reply[1] = std::byte{2};
  reply[3] = std::byte{0xec};  // 2^-20 s
  wire::put_big_endian(std::span(reply), 24, wire::get_big_endian<std::uint64_t>(request, 40));
  const auto now = wire::to_ntp_time(SystemClock().wall() + ahead);
  wire::put_big_endian(std::span(reply), 32, now);
  wire::put_big_endian(std::span(reply), 40, now);
  return reply;
}

class NtpMemberTest : public ::testing::Test {
 protected:
  /// What to answer to request number n, counted from 0.
  using Script = std::function<std::vector<Packet>(std::size_t n, std::span<const std::byte> request)>;

  void serve(Script script) {
    script_ = std::move(script);
    tasks_.spawn("server", answer());
    auto address = ClockAddress::parse("ntp://127.0.0.1:" + std::to_string(socket_.local_endpoint().port()));
    member_ = make_ntp_member(ProbeContext{.net = net_, .clock = clock_}, std::move(*address));
  }

  Facts ask(Nanoseconds limit) {
    Facts facts;
    const auto before = tasks_.size();
    tasks_.spawn("ask", ask_into(limit, facts));
    while (tasks_.size() > before) io_.run_one();
    return facts;
  }

  void TearDown() override {
    tasks_.cancel();
    while (tasks_.size() > 0) io_.run_one();
  }

  std::size_t requests_ = 0;

 private:
  Task<void> ask_into(Nanoseconds limit, Facts& into) {
    into = co_await member_->ask(clock_.steady() + limit);
  }

  Task<void> answer() {
    std::array<std::byte, 512> bytes{};
    for (;;) {
      asio::ip::udp::endpoint from;
      auto got = co_await socket_.async_receive_from(asio::buffer(bytes), from, kQuiet);
      const auto& [error, size] = got;
      if (error) co_return;
      for (const auto& packet : script_(requests_++, std::span(bytes).first(size)))
        socket_.send_to(asio::buffer(packet), from);
    }
  }

  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
  asio::ip::udp::socket socket_{io_, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0)};
  Script script_;
  std::unique_ptr<ClockMember> member_;
  async::TaskGroup tasks_{io_.get_executor(),
                          [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
};

bool holds(const ClockReading& reading, Nanoseconds truth) {
  return reading.remote_sent.value() - reading.local_received <= truth &&
         truth <= reading.remote + reading.resolution - reading.local_sent;
}

TEST_F(NtpMemberTest, ALostPacketIsSentAgain) {
  serve([](std::size_t n, auto request) {
    return n == 0 ? std::vector<Packet>() : std::vector<Packet>{reply_to(request, 3s)};
  });
  const auto facts = ask(300ms);
  EXPECT_EQ(requests_, 2u);
  ASSERT_EQ(facts.clocks.size(), 1u);
  EXPECT_TRUE(holds(facts.clocks[0], 3s));
  ASSERT_EQ(facts.clock_states.size(), 1u);
  EXPECT_EQ(facts.clock_states[0].stratum, 2u);
  ASSERT_EQ(facts.round_trips.size(), 1u);
  EXPECT_LT(facts.round_trips[0].value, 300ms);
}

TEST_F(NtpMemberTest, AForgedAnswerThatComesFirstDoesNoHarm) {
  serve([](std::size_t, auto request) {
    auto forged = reply_to(request, 1h);
    forged[24] ^= std::byte{1};  // whoever forges it does not see the nonce
    return std::vector<Packet>{forged, Packet(7), reply_to(request, -2s)};
  });
  const auto facts = ask(2s);
  ASSERT_EQ(facts.clocks.size(), 1u);
  EXPECT_TRUE(holds(facts.clocks[0], -2s));
}

TEST_F(NtpMemberTest, WhoRefusesIsLeftAlone) {
  serve([](std::size_t, auto request) {
    auto kiss = reply_to(request, 0s);
    kiss[1] = std::byte{0};
    for (std::size_t i = 0; i < 4; ++i) kiss[12 + i] = static_cast<std::byte>("RATE"[i]);
    return std::vector<Packet>{kiss};
  });
  for (int i = 0; i < 3; ++i) {
    const auto facts = ask(2s);
    EXPECT_TRUE(facts.clocks.empty());
    ASSERT_EQ(facts.unanswered.size(), 1u);
    EXPECT_EQ(facts.unanswered[0].error, Error(ErrorKind::rejected, "ntp: kiss-o'-death RATE"));
  }
  EXPECT_EQ(requests_, 1u);
}

TEST_F(NtpMemberTest, WhoIsSilentIsUnanswered) {
  serve([](std::size_t, auto) { return std::vector<Packet>(); });
  const auto facts = ask(60ms);
  EXPECT_GE(requests_, 2u);  // the last may still be under way to it
  ASSERT_EQ(facts.unanswered.size(), 1u);
  EXPECT_EQ(facts.unanswered[0].error.kind(), ErrorKind::timeout);
}

}  // namespace
}  // namespace qw::probes
