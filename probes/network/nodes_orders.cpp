#include "probes/network/nodes_orders.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qw::probes {
namespace {

constexpr Nanoseconds kShortestSpacing = std::chrono::milliseconds(1);
constexpr std::uint32_t kKnock = 3;
/// Each is a connection to somebody's server.
constexpr std::uint32_t kMostHandshakes = 50;

}  // namespace

std::uint32_t burst_of(std::string_view method, std::uint32_t packets) {
  return method == "tcp_info" ? std::min(packets, kMostHandshakes) : packets;
}

std::uint32_t packets_of(std::string_view method, Ladder::Share share, const NodesPace& pace) {
  const bool tcp = method == "tcp_info";
  switch (share) {
    case Ladder::Share::none:
      return 0;
    case Ladder::Share::knock:
      return tcp ? 1 : std::min(kKnock, pace.packets);
    case Ladder::Share::full:
      break;
  }
  // Echo replies cost the peer's kernel little; each handshake is a connection to somebody's server.
  if (tcp) return std::max(1U, pace.packets / 50);
  return method == "stamp" ? pace.packets : std::max(1U, pace.packets / 2);
}

std::vector<TrainOrder> make_orders(std::span<const NodeWay> ways, std::span<const NodeShare> shares,
                                    std::uint16_t to_port, std::uint32_t lanes, Nanoseconds spacing,
                                    SteadyTime start, SteadyTime deadline) {
  std::vector<TrainOrder> orders;
  const Nanoseconds window = std::max(Nanoseconds(0), (deadline - start) / 5 * 3);
  const auto most =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(window / kShortestSpacing, 1, kMostPackets));
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const auto& way = ways[shares[i].way];
    const std::uint32_t packets = std::min(shares[i].packets, most);
    if (packets == 0) continue;
    const Nanoseconds step = std::min(spacing, window / packets);
    const Nanoseconds phase = step * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(shares.size());
    const auto address = way.to.address().to_string();
    for (std::uint32_t lane = 0; lane < std::min(lanes, packets); ++lane) {
      orders.push_back({.member = way.member,
                        .path = lanes > 1 ? fmt::format("{}#{}", address, lane) : address,
                        .to = net::Endpoint(way.to.address(), to_port != 0 ? to_port : way.to.port()),
                        .lane = lane,
                        .packets = packets / lanes + (lane < packets % lanes ? 1 : 0),
                        .first = start + phase + lane * step,
                        .every = step * lanes});
    }
  }
  return orders;
}

}  // namespace qw::probes
