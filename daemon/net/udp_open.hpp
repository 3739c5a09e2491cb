#pragma once
#include "daemon/net/udp.hpp"

namespace qw::net {

/// Makes and sets up the descriptor of a DatagramSocket; non-blocking and close-on-exec. Errors as
/// DatagramSocket::open tells them.
Result<int> open_datagram(const DatagramOptions& options);

/// (Re)starts the numbers of transmit stamps at 0; they are lost count of when a packet is refused by the
/// kernel after it was numbered.
void restart_stamp_ids(int descriptor, const DatagramOptions& options);

}  // namespace qw::net
