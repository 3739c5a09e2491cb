#pragma once
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/stream.hpp"

namespace qw::probes {

/// One entry of a list of peers: an address, a host name, or the name of a service whose SRV records list the
/// peers ("_stamp._udp.nodes.example").
struct PeerEntry {
  std::string host;        ///< address or name; of a service the whole name
  std::uint16_t port = 0;  ///< 0: the method's own
  std::string zone = {};   ///< for each node that the entry stands for
  bool service = false;    ///< ask for SRV

  /// "10.0.0.1", "10.0.0.1:862", "[fe80::1]:862", "node-1.example", "_stamp._udp.nodes.example". Errors:
  /// ErrorKind::config.
  static Result<PeerEntry> parse(std::string_view text);
};

/// A node to probe.
struct Peer {
  /// The label `member`: as configured; for a node found by SRV its target, with the port that the record
  /// gives where one target has several.
  std::string name;
  std::string zone = {};
  std::uint16_t port = 0;                           ///< 0: the method's own
  std::vector<boost::asio::ip::address> addresses;  ///< at most one IPv4 and one IPv6; empty: see `error`
  std::optional<Error> error = std::nullopt;        ///< why the name has no address
  /// Its name stands for several machines (a headless service, a round robin): this is one of their
  /// addresses, and `name` is that address. A machine with two families is there twice.
  bool shares_name = false;
};

/// Every node that the entries stand for, each once, in order of name; at most kMaxPeers. Names are asked for
/// again when their time to live has passed (the resolver's cache), all at the same time, by `deadline`. A
/// service without answer is a peer of that name with an error.
Task<std::vector<Peer>> find_peers(net::Net& net, std::vector<PeerEntry> entries, SteadyTime deadline);
inline constexpr std::size_t kMaxPeers = 1024;

/// The addresses of this machine's interfaces, but for loopback and link-local ones.
std::set<boost::asio::ip::address> own_addresses();

/// Which of the peers this node is: the one called `self`, or, where `self` is empty, the first that has one
/// of the machine's own addresses. Nothing: it is none of them, and only watches.
std::optional<std::size_t> find_self(std::span<const Peer> peers, std::string_view self,
                                     const std::set<boost::asio::ip::address>& own);
/// Whether the peer has one of these addresses.
bool is_own(const Peer& peer, const std::set<boost::asio::ip::address>& own);

}  // namespace qw::probes
