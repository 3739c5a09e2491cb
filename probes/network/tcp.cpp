#include "probes/network/tcp.hpp"

#include <algorithm>

#include "daemon/net/tcp_rtt.hpp"

namespace qw::probes {
namespace {

/// Two kernels need this to send, answer and take a SYN, in 99 of 100 cases on two busy cores
/// (tests/bench/rtt_error); they keep the round trip in microseconds.
constexpr Nanoseconds kHandshakeLag = std::chrono::microseconds(70);

class Tcp final : public Pinger {
 public:
  Tcp(asio::any_io_executor executor, bool reset) : executor_(std::move(executor)), reset_(reset) {}

  std::string_view method() const override { return "tcp_info"; }

  Task<std::vector<TrainOutcome>> send(std::vector<TrainOrder> orders, SteadyTime deadline) override {
    std::vector<Task<TrainOutcome>> trains;
    for (const auto& order : orders) trains.push_back(send_one(order, deadline));
    auto outcomes = co_await async::all(std::move(trains));
    co_return outcomes;
  }

 private:
  struct Attempt {
    SteadyTime planned;
    Result<net::TcpRtt> result;
  };

  Task<TrainOutcome> send_one(TrainOrder order, SteadyTime deadline) {
    std::vector<Task<Attempt>> attempts;
    for (std::uint32_t i = 0; i < std::min(order.packets, kMostPackets); ++i) {
      const auto planned = order.first + i * order.every;
      if (planned < deadline) attempts.push_back(attempt(order.to, planned, deadline));
    }
    auto ended = co_await async::all(std::move(attempts));
    TrainOutcome out;
    out.train.member = order.member;
    out.train.method = method();
    out.train.path = order.path;
    out.train.extra = order.extra;
    out.train.asked = {.sent = order.first, .received = std::chrono::steady_clock::now()};
    for (const auto& one : ended) add(out, one);
    co_return out;
  }

  Task<Attempt> attempt(net::Endpoint to, SteadyTime planned, SteadyTime deadline) {
    Attempt out{.planned = planned, .result = fail(ErrorKind::canceled, "canceled")};
    const bool awake = co_await async::sleep_until(planned);
    if (!awake) co_return out;
    const asio::ip::tcp::endpoint endpoint(to.address(), to.port());
    out.result = co_await net::measure_tcp_rtt(executor_, endpoint, reset_, deadline);
    co_return out;
  }

  /// A SYN that was sent again was a packet of its own, and is lost. A refusal comes from a peer that is
  /// there, but the kernel does not time it: it is an error and no loss.
  static void add(TrainOutcome& out, const Attempt& attempt) {
    const auto& [planned, result] = attempt;
    if (!result) {
      out.error = result.error();
      if (result.error().kind() == ErrorKind::timeout) ++out.train.sent;
      return;
    }
    out.train.sent += 1 + result->retransmits;
    ++out.train.received;
    out.trips.push_back({.member = out.train.member,
                         .method = out.train.method,
                         .asked = {.sent = result->sent, .received = result->received},
                         .value = result->rtt,
                         .error = kHandshakeLag,
                         .path = out.train.path,
                         .held = std::nullopt,
                         .send_lag = std::max(Nanoseconds(0), result->sent - planned)});
  }

  asio::any_io_executor executor_;
  bool reset_;
};

}  // namespace

std::unique_ptr<Pinger> make_tcp(asio::any_io_executor executor, bool reset) {
  return std::make_unique<Tcp>(std::move(executor), reset);
}

}  // namespace qw::probes
