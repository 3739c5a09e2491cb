#pragma once
#include <map>
#include <string>
#include <vector>

#include "probes/network/ladder.hpp"
#include "probes/network/pinger.hpp"

namespace qw::probes {

/// How many packets go where and when; from the configuration. A loss of one in a hundred that begins between
/// two rounds of 5 s shows with so many in the first of them in 92 of 100 cases.
struct NodesPace {
  std::uint32_t packets = 250;  ///< to one address in one round, by STAMP; the other methods send fewer
  Nanoseconds spacing = std::chrono::milliseconds(4);
  std::uint32_t source_ports = 4;
};

/// Packets that a signal asks for leave so far apart, whatever the schedule: the round has little time left.
/// It is half of what a reflector of ours takes from one address.
inline constexpr Nanoseconds kBurstSpacing = std::chrono::milliseconds(1);

/// One address of one node.
struct NodeWay {
  std::string member;
  net::Endpoint to;  ///< the port is that of STAMP
};

/// A share of one method for one address.
struct NodeShare {
  std::size_t way = 0;
  std::uint32_t packets = 0;
};

/// How many packets a method sends for its share; never none for a share that is one.
std::uint32_t packets_of(std::string_view method, Ladder::Share share, const NodesPace& pace);
/// How many of the packets that a signal asks for the method sends.
std::uint32_t burst_of(std::string_view method, std::uint32_t packets);

/// The orders of one method: each way's packets on the fixed grid of the spacing, over all source ports in
/// turn, the ways shifted against each other so that they do not leave as one burst. They are sent within
/// three fifths of the time, the rest is for the answers; where it is too short the spacing and then the
/// number of packets give way. `to_port` is the port asked, `lanes` the number of source ports.
std::vector<TrainOrder> make_orders(std::span<const NodeWay> ways, std::span<const NodeShare> shares,
                                    std::uint16_t to_port, std::uint32_t lanes, Nanoseconds spacing,
                                    SteadyTime start, SteadyTime deadline);

}  // namespace qw::probes
