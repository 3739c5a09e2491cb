#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "probes/network/mesh.hpp"
#include "probes/network/nodes_orders.hpp"
#include "probes/network/peers.hpp"

namespace qw::probes {

/// What a `nodes` target is configured to do.
struct NodesOptions {
  std::vector<PeerEntry> members;
  std::vector<std::string> methods;  ///< "stamp", "icmp", "tcp", each once, as configured
  std::string self;
  std::uint16_t port = 0;
  NodesPace pace;
  std::optional<std::uint16_t> tcp_port;
  bool tcp_reset = false;
  MeshOptions mesh;
  std::string clock_profile = "default";
};

/// Declares the keys and reads them; what is wrong with them is reported to `fields`.
NodesOptions read_nodes_options(config::Fields& fields);

}  // namespace qw::probes
