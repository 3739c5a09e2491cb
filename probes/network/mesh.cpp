#include "probes/network/mesh.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "daemon/base/text.hpp"

namespace qw::probes {
namespace {

using Indices = std::vector<std::size_t>;
using ByZone = std::map<std::string_view, Indices>;

/// For each pair of zones so many nodes of the first probe into the second: one may die before the list says
/// so.
constexpr std::size_t kDelegates = 2;

/// Spreads a hash over all bits (the finalizer of SplitMix64). Every node must come to the same numbers:
/// never change this, nor anything that is hashed.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return mix(mix(a) ^ b);
}

class Mesh {
 public:
  Mesh(std::span<const MeshNode> nodes, std::size_t degree);

  /// Whom the node probes; `at` is its index, or nothing for one that only watches.
  Indices choice(std::string_view name, std::optional<std::size_t> at) const;
  std::size_t zone_pairs() const;
  /// Those across which somebody probes; `choices` of all nodes.
  std::size_t covered_zone_pairs(const std::vector<Indices>& choices) const;

 private:
  /// The nodes in the order of one hash.
  struct Ring {
    std::vector<std::pair<std::uint64_t, std::size_t>> places;
  };
  void follow_rings(std::string_view name, std::optional<std::size_t> self, Indices& chosen) const;
  void watch_zones(std::size_t self, Indices& chosen) const;
  bool is_delegate(std::size_t self, const Indices& zone, std::uint64_t pair) const;

  std::vector<MeshNode> nodes_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Ring> rings_;
  ByZone zones_;
};

bool contains(const Indices& list, std::size_t one) {
  return std::ranges::find(list, one) != list.end();
}

Mesh::Mesh(std::span<const MeshNode> nodes, std::size_t degree) : nodes_(nodes.begin(), nodes.end()) {
  hashes_.reserve(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    hashes_.push_back(stable_hash(nodes_[i].name));
    zones_[nodes_[i].zone].push_back(i);
  }
  rings_.resize(degree);
  for (std::size_t ring = 0; ring < degree; ++ring) {
    auto& places = rings_[ring].places;
    places.reserve(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) places.emplace_back(mix(hashes_[i], ring), i);
    std::ranges::sort(places);
  }
}

Indices Mesh::choice(std::string_view name, std::optional<std::size_t> at) const {
  Indices chosen;
  follow_rings(name, at, chosen);
  if (at) watch_zones(*at, chosen);
  std::ranges::sort(chosen);
  return chosen;
}

/// The next node of each ring that is not chosen yet.
void Mesh::follow_rings(std::string_view name, std::optional<std::size_t> self, Indices& chosen) const {
  const auto hash = stable_hash(name);
  for (std::size_t ring = 0; ring < rings_.size(); ++ring) {
    const auto& places = rings_[ring].places;
    auto next =
        std::ranges::upper_bound(places, mix(hash, ring), {}, [](const auto& place) { return place.first; });
    for (std::size_t tried = 0; tried < places.size(); ++tried, ++next) {
      if (next == places.end()) next = places.begin();
      if (next->second == self || contains(chosen, next->second)) continue;
      chosen.push_back(next->second);
      break;
    }
  }
}

/// Into each zone for which this node is one of the delegates of its own.
void Mesh::watch_zones(std::size_t self, Indices& chosen) const {
  const auto& own_name = nodes_[self].zone;
  const auto& own = zones_.at(own_name);
  for (const auto& [name, zone] : zones_) {
    const auto pair = mix(stable_hash(own_name), stable_hash(name));
    if (!is_delegate(self, own, pair)) continue;
    std::optional<std::size_t> best;
    for (const auto peer : zone) {
      if (peer == self) continue;
      if (!best || mix(hashes_[self], hashes_[peer]) > mix(hashes_[self], hashes_[*best])) best = peer;
    }
    if (best && !contains(chosen, *best)) chosen.push_back(*best);
  }
}

bool Mesh::is_delegate(std::size_t self, const Indices& zone, std::uint64_t pair) const {
  const auto weight = mix(pair, hashes_[self]);
  std::size_t better = 0;
  for (const auto other : zone) {
    if (mix(pair, hashes_[other]) > weight && ++better == kDelegates) return false;
  }
  return true;
}

/// Ordered ones; a zone with itself where it has two nodes.
std::size_t Mesh::zone_pairs() const {
  std::size_t pairs = 0;
  for (const auto& [name, zone] : zones_) pairs += zones_.size() - 1 + (zone.size() > 1 ? 1 : 0);
  return pairs;
}

std::size_t Mesh::covered_zone_pairs(const std::vector<Indices>& choices) const {
  std::map<std::string_view, std::size_t> number;
  for (const auto& [name, zone] : zones_) number.emplace(name, number.size());
  Indices zone_of;
  for (const auto& node : nodes_) zone_of.push_back(number.at(node.zone));
  std::vector<bool> covered(number.size() * number.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    for (const auto peer : choices[i]) covered[zone_of[i] * number.size() + zone_of[peer]] = true;
  }
  return static_cast<std::size_t>(std::ranges::count(covered, true));
}

/// The nodes that take part, and where they stand in the list as it was given.
Indices taking_part(std::span<const MeshNode> nodes) {
  Indices list(nodes.size());
  std::iota(list.begin(), list.end(), std::size_t{0});
  if (list.size() <= kMaxMeshNodes) return list;
  const auto rank = [&](std::size_t i) {
    return std::pair<std::uint64_t, std::string_view>(mix(stable_hash(nodes[i].name)), nodes[i].name);
  };
  std::ranges::nth_element(list, list.begin() + kMaxMeshNodes, {}, rank);
  list.resize(kMaxMeshNodes);
  std::ranges::sort(list);
  return list;
}

}  // namespace

double MeshPlan::zone_pairs_covered_ratio() const {
  return zone_pairs == 0 ? 1 : static_cast<double>(zone_pairs_covered) / static_cast<double>(zone_pairs);
}

MeshPlan plan_mesh(std::span<const MeshNode> nodes, std::string_view self, const MeshOptions& options) {
  const auto places = taking_part(nodes);
  std::vector<MeshNode> members;
  std::optional<std::size_t> own;
  for (const auto place : places) {
    if (nodes[place].name == self) own = members.size();
    members.push_back(nodes[place]);
  }
  MeshPlan plan;
  plan.peers = members.size() - (own ? 1 : 0);
  const bool full = plan.peers <= std::max(options.full_up_to, options.degree);
  const Mesh mesh(members, full ? 0 : options.degree);
  plan.zone_pairs = mesh.zone_pairs();
  if (full) {
    plan.zone_pairs_covered = plan.zone_pairs;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != own) plan.probed.push_back(places[i]);
    }
    return plan;
  }
  std::vector<Indices> choices;
  for (std::size_t i = 0; i < members.size(); ++i) choices.push_back(mesh.choice(members[i].name, i));
  plan.zone_pairs_covered = mesh.covered_zone_pairs(choices);
  for (const auto peer : own ? choices[*own] : mesh.choice(self, std::nullopt)) {
    plan.probed.push_back(places[peer]);
  }
  return plan;
}

}  // namespace qw::probes
