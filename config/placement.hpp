#pragma once
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "config/tls.hpp"

namespace qw::config {

/// The key `placement` of the file: the daemons among which targets with `placement: one_node` are shared
/// out.
struct PlacementOptions {
  std::vector<std::string> peers;  ///< as members of `nodes`; empty: this daemon asks everything
  std::string self;
  std::uint64_t port = 10'979;
  Nanoseconds interval = std::chrono::seconds(5);
  TlsOptions tls;
  std::string username;
  SecretFile password;
};

/// Declares the root key.
void placement_fields(Fields& fields, PlacementOptions& options);

}  // namespace qw::config
