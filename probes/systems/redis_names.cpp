#include "probes/systems/redis_names.hpp"

#include <algorithm>

#include "daemon/net/address.hpp"

namespace qw::probes {

RedisNames::RedisNames(const std::vector<std::string>& members) {
  for (const std::string& member : members) known_.push_back({member, {}, {}});
}

void RedisNames::learn(std::string_view member, std::string_view peer, std::string_view run_id) {
  const auto found = std::ranges::find(known_, member, &Known::member);
  if (found == known_.end()) return;
  if (!peer.empty()) found->peer = peer;
  if (!run_id.empty()) found->run_id = run_id;
}

std::string RedisNames::name_of(std::string_view host, std::uint16_t port, std::string_view run_id) const {
  const std::string address = net::HostPort{std::string(host), port}.print();
  for (const Known& known : known_) {
    if (known.member == address || known.peer == address) return known.member;
  }
  if (run_id.empty()) return address;
  const auto found = std::ranges::find(known_, run_id, &Known::run_id);
  return found == known_.end() ? address : found->member;
}

bool RedisNames::is_member(std::string_view name) const {
  return std::ranges::find(known_, name, &Known::member) != known_.end();
}

}  // namespace qw::probes
