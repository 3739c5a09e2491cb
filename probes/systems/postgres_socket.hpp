#pragma once
#include <cstdint>

/// What libpq does not tell of its own socket.
namespace qw::probes {

/// All bytes that the kernel has received on this TCP connection so far; 0 where it does not tell.
std::uint64_t bytes_received(int descriptor);

/// Keeps what the kernel holds ready for one reading small: libpq reads until there is nothing left.
void keep_receive_buffer_small(int descriptor);

}  // namespace qw::probes
