#pragma once
#include <string>
#include <string_view>

#include "daemon/net/address.hpp"

namespace qw::net {

/// Where something is served: "http://10.0.8.1:9093/prefix". No user, password, query or fragment: secrets do
/// not belong into an address, and nothing that we ask needs the rest.
struct Url {
  std::string scheme;  ///< lower case
  HostPort to;
  std::string path;  ///< without a slash at its end; empty: the top
  bool tls() const { return scheme == "https"; }
  std::string print() const;
  auto operator<=>(const Url&) const = default;

  /// Errors: ErrorKind::config. The port is the scheme's when it is left out (http 80, https 443; others must
  /// give it or have `default_port`).
  static Result<Url> parse(std::string_view text, std::uint16_t default_port = 0);
};

}  // namespace qw::net
