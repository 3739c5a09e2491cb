#pragma once
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>

#include "daemon/base/time.hpp"

namespace qw::net {

/// What the kernel says beside a datagram (control messages); also of the error queue, where transmit stamps
/// and "undelivered" reports lie.
struct ControlFacts {
  std::optional<WallTime> stamp;
  std::optional<std::uint8_t> ttl;
  std::optional<boost::asio::ip::address> to;
  /// Of the error queue: which packet a transmit stamp is for.
  std::optional<std::uint32_t> stamp_id;
  /// Of the error queue: the errno of a packet that was not delivered.
  std::optional<int> undelivered;
};

ControlFacts read_control(msghdr& header);

/// Room for all that a socket of ours is told beside one datagram.
using ControlRoom = std::array<char, 256>;

/// Makes a datagram leave from `from`; `room` must live as long as `header` is used.
void leave_from(const boost::asio::ip::address& from, ControlRoom& room, msghdr& header);

}  // namespace qw::net
