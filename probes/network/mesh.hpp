#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Who probes whom among many nodes. Pure: every node works it out from the same list, and all agree without
/// a word. With few nodes everybody probes everybody; with many each probes a fixed number of others.
namespace qw::probes {

/// A node, under the name that every node's list has for it.
struct MeshNode {
  std::string name;
  std::string zone = {};  ///< rack, availability zone or region; those without one are one zone together
  bool operator==(const MeshNode&) const = default;
};

struct MeshOptions {
  std::size_t full_up_to = 16;  ///< with so many peers or fewer, everybody probes everybody
  std::size_t degree = 10;      ///< beyond that, each node probes so many, and as many probe it
};

/// What one node does, and how much of the whole mesh is watched if all do the same.
struct MeshPlan {
  std::vector<std::size_t> probed;  ///< indices of `nodes`, ascending; never the node itself
  std::size_t peers = 0;            ///< all nodes but this one
  std::size_t zone_pairs = 0;       ///< ordered pairs (from, to), a zone with itself where it has two nodes
  std::size_t zone_pairs_covered = 0;  ///< those across which somebody probes somebody

  /// 1 where there is no pair.
  double zone_pairs_covered_ratio() const;
};

/// The plan of the node `self`. Names must differ; the order of the list does not matter. A node that is not
/// in the list may watch the others: it chooses as if it were in it, in a zone without name.
///
/// The sparse mesh is a union of `degree` rings, each of which orders the nodes by a hash of its own, and
/// everybody probes who comes next: that is the rendezvous choice, made so that nobody is chosen by more
/// nodes than others are. A node that comes or goes changes about one probe per ring. Besides, for each pair
/// of zones the two nodes that rank highest for it probe into the other zone, so that no pair goes unwatched.
MeshPlan plan_mesh(std::span<const MeshNode> nodes, std::string_view self, const MeshOptions& options = {});

/// More nodes than this are not worked out: those whose hash is lowest are taken, by every node the same.
inline constexpr std::size_t kMaxMeshNodes = 1024;

}  // namespace qw::probes
