#include "config/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

constexpr std::size_t kMostPeers = 1024;
constexpr std::uint64_t kMostPort = 65'535;

/// A name, an address or either with a port; what it stands for is found out when peers are looked for.
bool is_peer(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:-[]%").contains(c);
  });
}

void section(Fields& fields, PlacementOptions& options) {
  fields.required(
      "peers", &options.peers,
      "Every daemon, this one too, where its pages are: an address, a name with all its addresses, or a "
      "service whose SRV records list the daemons (_http-metrics._tcp.quorumwatch.example). The same list on "
      "every one of them.");
  std::set<std::string_view> seen;
  fields.check("peers", !options.peers.empty(), "needs at least one address");
  for (const auto& peer : options.peers) {
    fields.check("peers", is_peer(peer),
                 fmt::format("'{}': expected an address, a name or a service", sanitize(peer, 80)));
    fields.check("peers", seen.insert(peer).second, fmt::format("{} is there twice", sanitize(peer, 80)));
  }
  fields.check("peers", options.peers.size() <= kMostPeers,
               fmt::format("has more than {} addresses", kMostPeers));
  fields.optional(
      "self", &options.self,
      "Which of the peers this daemon is; if not given, the one with an address of this machine.");
  fields.optional("port", &options.port, "TCP port of the daemons' pages, where a peer has none of its own.");
  fields.check("port", options.port >= 1 && options.port <= kMostPort, "must be 1 to 65535");
  fields.optional("interval", &options.interval,
                  "How often the peers that come before this one are asked what they ask.");
  fields.check(
      "interval",
      options.interval >= std::chrono::milliseconds(500) && options.interval <= std::chrono::minutes(1),
      "must lie between 500ms and 1m");
  tls_fields(fields, options.tls);
  fields.optional("username", &options.username, "Of the peers' pages, where they have users.");
  fields.optional("password_file", &options.password, "Of the peers' pages, where they have users.");
}

}  // namespace

void placement_fields(Fields& fields, PlacementOptions& options) {
  fields.object(
      "placement",
      "The daemons among which targets with `placement: one_node` are shared out. Each such target is "
      "asked by one of them; when that one is gone, by the next, which goes on with its alerts. "
      "Daemons that do not see each other ask it each.",
      [&](Fields& keys) { section(keys, options); });
}

}  // namespace qw::config
