#include <array>

#include "daemon/net/socket_error.hpp"
#include "daemon/net/udp.hpp"

namespace qw::net {
namespace {

/// More datagrams that are no answer than this, and somebody is flooding us.
constexpr unsigned kMostOthers = 1000;

Error disturbed(Disturbance why) {
  switch (why) {
    case Disturbance::clock_step:
      return {ErrorKind::internal, "the local clock was set meanwhile"};
    case Disturbance::stall:
      return {ErrorKind::internal, "this process stood still meanwhile"};
    case Disturbance::impossible:
      break;
  }
  return {ErrorKind::internal, "the time stamps contradict each other"};
}

const Datagram* find_answer(const Arrivals& arrivals, const UdpQuestion& question) {
  for (const auto& datagram : arrivals.datagrams) {
    if (datagram.cut || (question.is_answer && !question.is_answer(datagram.bytes))) continue;
    return &datagram;
  }
  return nullptr;
}

}  // namespace

Task<Result<UdpAnswer>> ask_udp(asio::any_io_executor executor, UdpQuestion question, SteadyTime deadline) {
  DatagramOptions options;
  options.local = Endpoint(question.to.protocol(), 0);
  options.largest_datagram = question.largest_answer;
  options.connect = question.to;
  auto opened = DatagramSocket::open(executor, options);
  if (!opened) co_return std::unexpected(opened.error());
  auto& socket = **opened;
  const std::array<Outgoing, 1> packet{{{.to = question.to, .bytes = question.bytes}}};
  const auto sent = socket.send(packet);
  if (sent.error) co_return std::unexpected(*sent.error);
  Departure departure{.before = sent.before, .after = sent.after};
  for (unsigned others = 0; others < kMostOthers;) {
    auto waited = co_await socket.wait(deadline);
    if (!waited) co_return std::unexpected(waited.error());
    const auto arrivals = socket.take();
    for (const auto& stamp : arrivals.transmitted) departure.kernel = stamp.at;
    if (const auto* answer = find_answer(arrivals, question)) {
      const auto flight = join(departure, answer->arrival);
      if (!flight) co_return std::unexpected(disturbed(flight.error()));
      co_return UdpAnswer{.bytes = {answer->bytes.begin(), answer->bytes.end()}, .flight = *flight};
    }
    others += static_cast<unsigned>(arrivals.datagrams.size());
    for (const auto& undelivered : arrivals.undelivered) co_return std::unexpected(undelivered.error);
  }
  co_return fail(ErrorKind::protocol, "too many packets that are no answer");
}

}  // namespace qw::net
