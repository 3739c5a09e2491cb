// No more sockets come out than bytes went in, and each has a peer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "probes/wire/inet_diag.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The sequence number of the question comes first, so that answers and reports of closed sockets are both
  // met.
  if (size < 1) return 0;
  const std::string_view datagram(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto read = qw::wire::parse_tcp_sockets(datagram, data[0]);
  if (!read) return 0;
  constexpr std::size_t kSmallest = 16 + 72 + 4 + 140;  // header, message, attribute, counts
  if (read->sockets.size() > size / kSmallest) std::abort();
  if (read->refusal < 0) std::abort();
  for (const auto& socket : read->sockets) {
    if (socket.peer_port == 0 || qw::wire::print_address(socket.peer).empty()) std::abort();
  }
  return 0;
}
