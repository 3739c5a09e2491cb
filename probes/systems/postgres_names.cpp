#include "probes/systems/postgres_names.hpp"

#include <algorithm>

namespace qw::probes {

PostgresNames::PostgresNames(const std::vector<net::HostPort>& members) {
  for (const auto& member : members) known_.push_back({member.print(), member, {}});
}

void PostgresNames::learn(std::string_view member, std::string_view peer) {
  const auto found = std::ranges::find(known_, member, &Known::name);
  if (found != known_.end() && !peer.empty()) found->peer = peer;
}

std::string PostgresNames::sender(std::string_view host, std::uint16_t port) const {
  for (const Known& known : known_) {
    const bool is_there = known.configured.host == host || known.peer == host;
    if (is_there && known.configured.port == port) return known.name;
  }
  return net::HostPort{std::string(host), port}.print();
}

std::optional<std::string> PostgresNames::receiver(std::string_view address) const {
  std::optional<std::string> found;
  for (const Known& known : known_) {
    if (address.empty() || (known.peer != address && known.configured.host != address)) continue;
    if (found) return std::nullopt;
    found = known.name;
  }
  return found;
}

}  // namespace qw::probes
