#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/model/facts.hpp"
#include "daemon/net/udp.hpp"

/// How packets are sent along ways to peers and what they bring back: the same for every method, from the
/// best (kernel stamps at both ends) to the poorest (the time of a TCP handshake).
namespace qw::probes {

/// Packets to one peer along one way, on a fixed schedule.
struct TrainOrder {
  std::string member;
  std::string path;      ///< as in RoundTrip
  net::Endpoint to;      ///< of ICMP only the address counts
  std::size_t lane = 0;  ///< which of our source ports
  std::uint32_t packets = 0;
  SteadyTime first;     ///< when the first one leaves
  Nanoseconds every{};  ///< and each one after the one before
  bool extra = false;   ///< asked for by a signal
};

/// What became of an order.
struct TrainOutcome {
  PacketTrain train;
  std::vector<RoundTrip> trips;
  std::vector<ClockReading> clocks;  ///< the few with the shortest flights: the others say less
  std::optional<ClockState> state;   ///< what the peer says of its own clock
  /// Why no answer came, where that is known: nobody listens, no route, not allowed.
  std::optional<Error> error;
};

/// More packets on one way than this are not sent at once.
inline constexpr std::uint32_t kMostPackets = 1000;

/// One method. It keeps its sockets, and what it must know of each way from one train to the next.
class Pinger {
 public:
  virtual ~Pinger() = default;
  /// The label: "stamp", "icmp", "tcp_info".
  virtual std::string_view method() const = 0;
  /// Sends all trains at the same time and waits for the answers until `deadline`, or until all are there.
  /// The outcomes are in the order of the orders. Two trains never go along the same way (address and lane)
  /// at once.
  virtual Task<std::vector<TrainOutcome>> send(std::vector<TrainOrder> orders, SteadyTime deadline) = 0;
};

}  // namespace qw::probes
