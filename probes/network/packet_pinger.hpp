#pragma once
#include <functional>
#include <map>
#include <memory>

#include "probes/network/pinger.hpp"
#include "probes/network/train.hpp"

namespace qw::probes {

/// What a method of single packets adds to the common engine: how its packets look.
class PacketMethod {
 public:
  virtual ~PacketMethod() = default;
  virtual std::string_view name() const = 0;
  /// Whether a peer's answers come from the port that was asked; else only its address counts.
  virtual bool has_ports() const = 0;
  /// Sockets to try in turn for a lane, best first; the last error is told.
  virtual std::vector<net::DatagramOptions> sockets(bool v6) const = 0;

  /// Of one way, for its whole life. Random, so that nobody can answer who has not seen the packets.
  struct Secret {
    std::uint16_t session = 0;
    std::uint64_t cookie = 0;
    std::uint32_t first_sequence = 0;
  };
  /// One packet; `into` has kLargest bytes. `ask`: for the peer's second word on its answers, which a method
  /// that has none leaves out. Returns its size.
  virtual std::size_t write(const net::DatagramSocket& socket, const Secret& secret, std::uint32_t sequence,
                            WallTime now, bool ask, std::span<std::byte> into) = 0;

  struct Understood {
    std::uint32_t sequence = 0;  ///< as far as the packet carries it; see `sequence_bits`
    std::optional<Reflected> reflected;
    bool reads_clock = false;  ///< its times are of the peer's wall clock
    std::optional<ClockState> state;
    bool follows_up = false;  ///< the peer was asked for second words and gives them
    std::optional<FollowedUp> followed_up = std::nullopt;
  };
  /// An answer to a packet of this way; nothing: it is none.
  virtual std::optional<Understood> read(const net::DatagramSocket& socket, const Secret& secret,
                                         const net::Datagram& answer) = 0;

  static constexpr std::size_t kLargest = 64;
};

/// Sends trains of packets over sockets with kernel stamps, one a family and lane, and keeps the books of
/// every way.
class PacketPinger final : public Pinger {
 public:
  PacketPinger(asio::any_io_executor executor, std::unique_ptr<PacketMethod> method);
  ~PacketPinger() override;

  std::string_view method() const override;
  Task<std::vector<TrainOutcome>> send(std::vector<TrainOrder> orders, SteadyTime deadline) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::probes
