#include "probes/systems/postgres_socket.hpp"

// The C library's own tcp_info ends before the byte counters, and the two headers can not meet in one file.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace qw::probes {

std::uint64_t bytes_received(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  const auto needed = offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  return size >= needed ? info.tcpi_bytes_received : 0;
}

void keep_receive_buffer_small(int descriptor) {
  const int size = 32 * 1024;  // the kernel doubles it
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

}  // namespace qw::probes
