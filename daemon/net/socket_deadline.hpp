#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>

#include "daemon/base/time.hpp"

namespace qw::net {

namespace asio = boost::asio;

/// Closes a socket when a deadline passes, so that whatever is under way on it ends. with_deadline would do
/// the same at the price of one more turn of the loop between a reply and its time stamp, which would be
/// measured as round trip.
class SocketDeadline {
 public:
  /// `socket` must outlive this object.
  explicit SocketDeadline(asio::ip::tcp::socket& socket);
  ~SocketDeadline();
  SocketDeadline(const SocketDeadline&) = delete;
  SocketDeadline& operator=(const SocketDeadline&) = delete;

  /// False when the deadline has passed already; then the socket is closed.
  bool arm(SteadyTime deadline);
  void disarm();
  /// Whether the socket was closed by a deadline; it stays so.
  bool expired() const;

 private:
  /// Shared with the timer's handler, which may be queued still when everything else is gone.
  struct Watch {
    asio::ip::tcp::socket* socket = nullptr;
    std::uint64_t turn = 0;
    bool expired = false;
  };
  static void expire(Watch& watch);

  std::shared_ptr<Watch> watch_;
  asio::steady_timer timer_;
};

}  // namespace qw::net
