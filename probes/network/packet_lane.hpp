#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "probes/network/packet_pinger.hpp"

namespace qw::probes {

/// One way of one method: its secret and its books.
struct PacketWay {
  PacketWay(const PacketMethod::Secret& with, std::uint64_t now)
      : secret(with), book(with.first_sequence), used(now) {}
  PacketMethod::Secret secret;
  TrainBook book;
  std::uint64_t used;               ///< the train in which it was ordered last
  TrainOutcome* outcome = nullptr;  ///< of the train under way; null: it has none
};

/// One socket, and the ways that go through it.
class PacketLane {
 public:
  PacketLane(PacketMethod& method, std::unique_ptr<net::DatagramSocket> socket);

  struct Departure {
    PacketWay* way = nullptr;
    net::Endpoint to;
    SteadyTime planned;
  };
  /// Sends these packets now, at most kBatch.
  void send(std::span<const Departure> departures);
  /// Receives until nothing is outstanding after sending_done(), or until the deadline.
  Task<bool> receive(SteadyTime deadline);
  void begin();
  void sending_done();

  PacketWay& way(const net::Endpoint& to, std::uint64_t train);
  /// Forgets ways that were not used for long.
  void forget(std::uint64_t before);

  static constexpr std::size_t kBatch = 64;

 private:
  struct Numbered {
    PacketWay* way = nullptr;
    std::uint32_t sequence = 0;
  };
  struct Hash {
    std::size_t operator()(const net::Endpoint& endpoint) const;
  };
  void take();
  void took(const net::Datagram& answer);
  void note(PacketWay& way, const Returned& returned, const PacketMethod::Understood& understood);

  PacketMethod& method_;
  std::unique_ptr<net::DatagramSocket> socket_;
  std::unordered_map<net::Endpoint, std::unique_ptr<PacketWay>, Hash> ways_;
  /// Which packet a transmit stamp is of, by the low bits of its id.
  static constexpr std::size_t kNumbered = 2048;
  std::vector<Numbered> numbered_ = std::vector<Numbered>(kNumbered);
  std::vector<std::byte> bytes_;
  std::vector<net::Outgoing> packets_;
  std::vector<std::uint32_t> sequences_;
  bool sending_ = false;
  std::size_t outstanding_ = 0;
};

}  // namespace qw::probes
