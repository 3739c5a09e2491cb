#include "probes/network/nodes_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "daemon/base/text.hpp"
#include "probes/clock_profile.hpp"
#include "probes/wire/stamp.hpp"

namespace qw::probes {
namespace {

constexpr std::array<std::string_view, 3> kMethods{"stamp", "icmp", "tcp"};
constexpr std::size_t kMostMembers = 1024;
constexpr std::uint64_t kMostSourcePorts = 64;
constexpr std::uint64_t kMostPort = 65'535;

/// As in the file; the initialisers are the defaults.
struct Written {
  std::vector<std::string> members;
  bool finds_members = false;  ///< there may be none yet
  std::map<std::string, std::string> zones;
  std::string self;
  std::vector<std::string> methods = {"stamp", "icmp"};
  std::uint64_t port = wire::kStampPort;
  std::uint64_t packets = NodesPace().packets;
  Nanoseconds spacing = NodesPace().spacing;
  std::uint64_t source_ports = NodesPace().source_ports;
  std::optional<std::uint64_t> tcp_port;
  bool tcp_reset = false;
  std::uint64_t full_mesh_up_to = MeshOptions().full_up_to;
  std::uint64_t degree = MeshOptions().degree;
  std::string clock_profile = NodesOptions().clock_profile;
};

/// As written, since that is how `zones` and `self` name a member.
Result<std::string> canonical(const std::string& text) {
  const auto entry = PeerEntry::parse(text);
  if (!entry) return std::unexpected(entry.error());
  return text;
}

void declare(config::Fields& fields, Written& written) {
  written.finds_members = fields.addresses(
      "members", &written.members, {.canonical = canonical},
      "Every node: an address, a name with all its addresses, or a service whose SRV records list the nodes "
      "(_stamp._udp.nodes.example). The same list on every node.");
  fields.optional("zones", &written.zones,
                  "Zone (rack, availability zone, region) of each member, so that a sparse mesh covers every "
                  "pair of zones.");
  fields.optional(
      "self", &written.self,
      "Which of the members this node is; if not given, the one with an address of this machine.");
  fields.optional("methods", &written.methods,
                  "stamp (a reflector on the peer, kernel time stamps at both ends), icmp, tcp (handshake at "
                  "tcp_port), best "
                  "first: the first that a peer answers is used.");
  fields.optional("port", &written.port, "UDP port of the reflectors, where the member has none of its own.");
  fields.optional(
      "packets", &written.packets,
      "Packets to each address in a round by stamp; icmp sends half as many, tcp a fiftieth. Fewer "
      "make a small loss known later.");
  fields.optional("spacing", &written.spacing,
                  "Time between two packets to one address; less where the round is too short for it.");
  fields.optional(
      "source_ports", &written.source_ports,
      "Source ports that stamp sends from in turn, so that several equal-cost paths are measured.");
  fields.optional("tcp_port", &written.tcp_port, "Open TCP port of every member; needed for the method tcp.");
  fields.optional(
      "tcp_reset", &written.tcp_reset,
      "Close with a reset, which leaves no connection in TIME_WAIT but looks like an error to some servers.");
  fields.optional("full_mesh_up_to", &written.full_mesh_up_to,
                  "With so many peers or fewer every node probes every other one.");
  fields.optional("degree", &written.degree, "Beyond that, how many peers each node probes.");
  clock_profile_field(fields, written.clock_profile);
}

void check_numbers(config::Fields& fields, const Written& written) {
  fields.check("port", written.port >= 1 && written.port <= kMostPort, "must be 1 to 65535");
  fields.check("packets", written.packets >= 1 && written.packets <= kMostPackets,
               fmt::format("must be 1 to {}", kMostPackets));
  fields.check("spacing",
               written.spacing >= std::chrono::milliseconds(1) && written.spacing <= std::chrono::seconds(1),
               "must be 1ms to 1s");
  fields.check("source_ports", written.source_ports >= 1 && written.source_ports <= kMostSourcePorts,
               fmt::format("must be 1 to {}", kMostSourcePorts));
  fields.check("tcp_port", !written.tcp_port || (*written.tcp_port >= 1 && *written.tcp_port <= kMostPort),
               "must be 1 to 65535");
  fields.check("full_mesh_up_to", written.full_mesh_up_to >= 1 && written.full_mesh_up_to <= kMostMembers,
               fmt::format("must be 1 to {}", kMostMembers));
  fields.check("degree", written.degree >= 1 && written.degree <= kMostMembers,
               fmt::format("must be 1 to {}", kMostMembers));
}

void check_methods(config::Fields& fields, const Written& written) {
  std::set<std::string_view> seen;
  fields.check("methods", !written.methods.empty(), "needs at least one method");
  for (const auto& method : written.methods) {
    const bool known = std::ranges::find(kMethods, method) != kMethods.end();
    fields.check(
        "methods", known,
        fmt::format("unknown method '{}'; known: {}", sanitize(method, 40), fmt::join(kMethods, ", ")));
    fields.check("methods", seen.insert(method).second, fmt::format("{} is there twice", method));
  }
  fields.check("methods", !seen.contains("tcp") || written.tcp_port, "tcp needs tcp_port");
}

std::vector<PeerEntry> read_entries(config::Fields& fields, const Written& written) {
  std::vector<PeerEntry> entries;
  std::set<std::string_view> seen;
  fields.check("members", written.finds_members || !written.members.empty(), "needs at least one address");
  fields.check("members", written.members.size() <= kMostMembers,
               fmt::format("has more than {} addresses", kMostMembers));
  for (const auto& text : written.members) {
    auto entry = PeerEntry::parse(text);
    fields.check("members", entry.has_value(),
                 entry ? "" : fmt::format("'{}': {}", sanitize(text), entry.error().message()));
    const bool is_new = seen.insert(text).second;
    fields.check("members", is_new, fmt::format("{} is there twice", sanitize(text)));
    if (!entry || !is_new) continue;
    const auto zone = written.zones.find(text);
    if (zone != written.zones.end()) entry->zone = zone->second;
    entries.push_back(std::move(*entry));
  }
  for (const auto& [member, zone] : written.zones) {
    fields.check("zones", written.finds_members || seen.contains(member),
                 fmt::format("'{}' is not among the members", sanitize(member)));
  }
  return entries;
}

}  // namespace

NodesOptions read_nodes_options(config::Fields& fields) {
  Written written;
  declare(fields, written);
  check_numbers(fields, written);
  check_methods(fields, written);
  NodesOptions options;
  options.members = read_entries(fields, written);
  options.methods = written.methods;
  options.self = written.self;
  options.port = static_cast<std::uint16_t>(written.port);
  options.pace = {.packets = static_cast<std::uint32_t>(written.packets),
                  .spacing = written.spacing,
                  .source_ports = static_cast<std::uint32_t>(written.source_ports)};
  if (written.tcp_port) options.tcp_port = static_cast<std::uint16_t>(*written.tcp_port);
  options.tcp_reset = written.tcp_reset;
  options.mesh = {.full_up_to = written.full_mesh_up_to, .degree = written.degree};
  options.clock_profile = written.clock_profile;
  return options;
}

}  // namespace qw::probes
