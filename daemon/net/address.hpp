#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace qw::net {

/// A host (name or IP literal) and a port, as configured: "10.0.0.1:2379", "[fe80::1]:2379",
/// "etcd-1.example:2379".
struct HostPort {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;

  /// Errors: ErrorKind::config. `default_port` 0: the port must be given.
  static Result<HostPort> parse(std::string_view text, std::uint16_t default_port = 0);
  std::string print() const;
  auto operator<=>(const HostPort&) const = default;
};

}  // namespace qw::net
