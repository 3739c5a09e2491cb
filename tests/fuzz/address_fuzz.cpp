// An address that is accepted prints as one that reads back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/net/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::uint16_t default_port : {std::uint16_t{0}, std::uint16_t{2379}}) {
    const auto read = qw::net::HostPort::parse(text, default_port);
    if (!read) {
      if (read.error().kind() != qw::ErrorKind::config) std::abort();
      continue;
    }
    if (read->port == 0 || read->host.empty()) std::abort();
    const auto again = qw::net::HostPort::parse(read->print());
    if (!again || *again != *read) std::abort();
  }
  return 0;
}
