#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "probes/network/packet_follow_up.hpp"
#include "probes/network/packet_pinger.hpp"

namespace qw::probes {

/// One way of one method: its secret and its books.
struct PacketWay {
  PacketWay(const PacketMethod::Secret& with, std::uint64_t now)
      : secret(with), book(with.first_sequence), used(now) {}
  /// A train begins, whose outcome is told there; and it ends.
  void begin(TrainOutcome& told);
  void end(SteadyTime now);

  PacketMethod::Secret secret;
  TrainBook book;
  FollowUpAsk follow_up;
  std::uint64_t used;               ///< the train in which it was ordered last
  TrainOutcome* outcome = nullptr;  ///< of the train under way; null: it has none

  /// An answer that counts: the peer may have a second word on it until the train ends.
  struct Sample {
    Returned returned;
    bool reads_clock = false;
    bool bearer = false;
  };
  std::vector<Sample> samples;
  /// The packet of this train that is sent only for the second word on the answer before it. On its own
  /// answer there is none, so it is no sample where there are others.
  std::optional<std::uint32_t> bearer;
};

/// One socket, and the ways that go through it.
class PacketLane {
 public:
  PacketLane(PacketMethod& method, std::unique_ptr<net::DatagramSocket> socket);

  struct Departure {
    PacketWay* way = nullptr;
    net::Endpoint to;
    SteadyTime planned;
    bool bearer = false;  ///< see PacketWay
  };
  /// Sends these packets now, at most kBatch.
  void send(std::span<const Departure> departures);
  /// Receives until nothing is outstanding after sending_done(), or what is has been given up (AnswerWait),
  /// or until the deadline.
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
  SteadyTime give_up_at() const;

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
