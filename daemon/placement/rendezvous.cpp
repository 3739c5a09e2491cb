#include "daemon/placement/rendezvous.hpp"

#include <algorithm>
#include <utility>

#include "daemon/base/text.hpp"

namespace qw::placement {
namespace {

/// The finaliser of splitmix64 (Steele, Lea and Flood, 2014): every bit of the result hangs on every bit of
/// the argument, which a sum or a difference of two FNV hashes alone has not.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::uint64_t hash_of(const TargetId& target) {
  return mix(stable_hash(target.system + "/" + target.name));
}

}  // namespace

std::uint64_t weight(const TargetId& target, std::string_view peer) {
  return mix(hash_of(target) ^ stable_hash(peer));
}

std::vector<PeerIndex> order_of(const TargetId& target, std::span<const std::string> peers) {
  const auto salt = hash_of(target);
  std::vector<std::pair<std::uint64_t, PeerIndex>> weights;
  weights.reserve(peers.size());
  for (std::size_t i = 0; i < peers.size(); ++i) {
    weights.emplace_back(mix(salt ^ stable_hash(peers[i])), static_cast<PeerIndex>(i));
  }
  // Equal weights would leave the order to the list's; names settle it the same way for everybody.
  std::ranges::sort(weights, [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : peers[a.second] < peers[b.second];
  });
  std::vector<PeerIndex> out;
  out.reserve(weights.size());
  for (const auto& [of, peer] : weights) out.push_back(peer);
  return out;
}

}  // namespace qw::placement
