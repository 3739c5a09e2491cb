#pragma once
#include <boost/asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/net/flight.hpp"
#include "daemon/net/stream.hpp"

/// Datagrams with the kernel's own time stamps (SO_TIMESTAMPING, software), sent and read in batches. What a
/// busy machine adds between the wire and this thread is thus not measured as network
/// (facts/network-and-clock.md 0.1, 4).
namespace qw::net {

using Endpoint = asio::ip::udp::endpoint;  ///< of ICMP only the address counts
using Bytes = std::span<const std::byte>;

/// What a socket speaks. All of them stamp in the same way.
enum class DatagramKind : std::uint8_t {
  udp,
  icmp,      ///< echo over an unprivileged datagram socket; the kernel owns the identifier
  icmp_raw,  ///< echo over a raw socket, filtered in the kernel by `echo_id`; needs CAP_NET_RAW
};

struct DatagramOptions {
  DatagramKind kind = DatagramKind::udp;
  /// Where to be: an address (any: 0.0.0.0 or ::, which also says which family) and a port, 0 for any.
  Endpoint local = {};
  bool transmit_stamps = true;  ///< the kernel's stamp of each packet that leaves, by `Sent::first_id`
  bool receive_stamps = true;
  std::uint8_t ttl = 64;
  std::uint16_t echo_id = 0;           ///< icmp_raw only
  std::size_t largest_datagram = 512;  ///< longer ones are cut (`Datagram::cut`)
  int buffer_bytes = 0;                ///< wanted receive buffer; 0: the system's
  bool local_addresses = false;  ///< fill `Datagram::to`, needed to answer from the address that was asked
  /// Only this peer may send to us, and its "port unreachable" ends a wait with ErrorKind::refused.
  std::optional<Endpoint> connect = std::nullopt;
};

/// One packet to send. The bytes must stay valid during send().
struct Outgoing {
  Endpoint to;  ///< not looked at on a connected socket
  Bytes bytes = {};
  std::optional<asio::ip::address> from = std::nullopt;  ///< leave from this address of ours
};

/// What send() did: packets first_id ... first_id + count - 1 are with the kernel.
struct Sent {
  std::uint32_t first_id = 0;
  std::size_t count = 0;
  Instant before;
  Instant after;
  /// Why the packet after them is not; it was not sent and is not tried again.
  std::optional<Error> error = std::nullopt;
};

/// One packet that came. `bytes` is valid until the next take().
struct Datagram {
  Endpoint from;
  Bytes bytes = {};
  bool cut = false;  ///< it was longer than `largest_datagram`
  Arrival arrival;
  std::optional<std::uint8_t> ttl;
  std::optional<asio::ip::address> to;  ///< see `local_addresses`
};

/// The kernel has sent packet `id` at this time.
struct TransmitStamp {
  std::uint32_t id = 0;
  WallTime at;
};

/// A router or the peer's kernel says that packets to this endpoint do not arrive.
struct Undelivered {
  Endpoint to = {};
  Error error;
};

/// All that was waiting in a socket. Each reply's own transmit stamp is here or was in an earlier one, unless
/// the kernel took none. Look at `transmitted` first.
struct Arrivals {
  std::span<const TransmitStamp> transmitted;
  std::span<const Datagram> datagrams;
  std::span<const Undelivered> undelivered;
  bool more = false;  ///< the batch was full: take again before waiting
};

/// A datagram socket on the loop. Nothing here blocks; only wait() waits. One task at a time may wait.
class DatagramSocket {
 public:
  /// Errors: `rejected` where this process may not have such a socket, naming the setting that would allow it
  /// ("net.ipv4.ping_group_range does not include group 65534"); `unreachable` where the machine lacks the
  /// address or the family; `internal`.
  static Result<std::unique_ptr<DatagramSocket>> open(asio::any_io_executor executor,
                                                      DatagramOptions options);
  ~DatagramSocket();
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  Endpoint local() const;
  const DatagramOptions& options() const;

  /// Hands packets to the kernel, in one call for each 64, until one is refused.
  Sent send(std::span<const Outgoing> packets);

  /// Until something may be taken. Errors: timeout (the deadline), canceled.
  /// The socket may go meanwhile: that is "canceled".
  Task<Result<void>> wait(SteadyTime deadline);
  /// Ends the wait() that is under way as if something had come: the caller has changed its mind.
  void wake();
  /// Ends the wait() that is under way with an error, and everything after it.
  void close();
  /// What is there, at most 64 datagrams; never waits. The spans are valid until the next call.
  Arrivals take();
  /// Only the transmit stamps that are there; the datagrams of the take() before stay valid. What this hands
  /// out, and reports of undelivered packets that it meets, take() does not hand out again.
  std::span<const TransmitStamp> take_transmitted();

 private:
  struct Impl;
  explicit DatagramSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One answer to one question, for protocols that ask once (NTP, chrony).
struct UdpAnswer {
  std::vector<std::byte> bytes = {};
  Flight flight;
};

struct UdpQuestion {
  Endpoint to = {};
  std::vector<std::byte> bytes = {};
  std::size_t largest_answer = 1024;
  /// Whether a datagram is the answer: it is from `to` already. Others are ignored, so that a forged one that
  /// comes first does no harm.
  std::function<bool(Bytes)> is_answer = {};
};

/// Sends the question once from a port of its own and waits for the answer. Errors: timeout, refused (nobody
/// listens there), unreachable, canceled; `internal` where the clock stepped meanwhile ("the local clock was
/// set meanwhile").
Task<Result<UdpAnswer>> ask_udp(asio::any_io_executor executor, UdpQuestion question, SteadyTime deadline);

}  // namespace qw::net
