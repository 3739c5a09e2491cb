#include "probes/network/peers.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

namespace qw::probes {
namespace {

using boost::asio::ip::address;
using net::HostPort;
using net::Service;

/// HostPort::parse wants a port; this one is no port that anybody would give.
constexpr std::uint16_t kNoPort = 65535;

/// A label that says what is asked for begins with an underscore (RFC 2782); no host's does.
bool names_service(std::string_view text) {
  return text.starts_with('_') && (text.contains("._udp.") || text.contains("._tcp."));
}

Task<Peer> find_addresses(net::Net& net, Peer peer, std::string host, SteadyTime deadline) {
  auto addresses = co_await net.resolver().resolve(std::move(host), deadline);
  if (addresses) {
    peer.addresses = std::move(*addresses);
    // A mesh compares them from round to round; servers turn the order about.
    std::ranges::sort(peer.addresses);
    const auto again = std::ranges::unique(peer.addresses);
    peer.addresses.erase(again.begin(), again.end());
  } else {
    peer.error = addresses.error();
  }
  co_return peer;
}

/// One peer for each address where the name has several of one family: they are several machines, as behind a
/// headless service, or several ways to one, and each is measured.
std::vector<Peer> by_address(Peer peer) {
  const auto v6 = std::ranges::count_if(peer.addresses, [](const address& one) { return one.is_v6(); });
  if (v6 <= 1 && std::ssize(peer.addresses) - v6 <= 1) return {std::move(peer)};
  std::vector<Peer> out;
  for (const auto& one : peer.addresses) {
    const auto text = one.to_string();
    out.push_back({.name = peer.port == 0 ? text : HostPort(text, peer.port).print(),
                   .zone = peer.zone,
                   .port = peer.port,
                   .addresses = {one},
                   .shares_name = true});
  }
  return out;
}

/// The nodes behind one service: one a target, or, where a target has several ports, one a port.
std::vector<std::pair<Peer, std::string>> peers_of(const std::vector<Service>& services,
                                                   std::string_view zone) {
  std::map<std::string_view, std::size_t> ports;
  for (const auto& service : services) ++ports[service.host];
  std::vector<std::pair<Peer, std::string>> out;
  for (const auto& service : services) {
    const bool alone = ports[service.host] == 1;
    Peer peer{.name = alone ? service.host : HostPort(service.host, service.port).print(),
              .zone = std::string(zone),
              .port = service.port,
              .addresses = {}};
    out.emplace_back(std::move(peer), service.host);
  }
  return out;
}

Task<std::vector<Peer>> find_entry(net::Net& net, PeerEntry entry, SteadyTime deadline) {
  std::vector<Task<Peer>> tasks;
  if (!entry.service) {
    Peer peer{.name = entry.port == 0 ? entry.host : HostPort(entry.host, entry.port).print(),
              .zone = std::move(entry.zone),
              .port = entry.port,
              .addresses = {}};
    tasks.push_back(find_addresses(net, std::move(peer), std::move(entry.host), deadline));
  } else {
    auto services = co_await net.resolver().resolve_service(entry.host, deadline);
    if (!services) {
      std::vector<Peer> unknown(1);
      unknown[0].name = std::move(entry.host);
      unknown[0].zone = std::move(entry.zone);
      unknown[0].error = services.error();
      co_return unknown;
    }
    for (auto& [peer, host] : peers_of(*services, entry.zone)) {
      tasks.push_back(find_addresses(net, std::move(peer), std::move(host), deadline));
    }
  }
  auto found = co_await async::all(std::move(tasks));
  std::vector<Peer> peers;
  for (auto& one : found) std::ranges::move(by_address(std::move(one)), std::back_inserter(peers));
  co_return peers;
}

std::optional<address> address_of(const sockaddr* from) {
  if (from == nullptr) return std::nullopt;
  if (from->sa_family == AF_INET) {
    sockaddr_in four;
    std::memcpy(&four, from, sizeof four);
    return boost::asio::ip::address_v4(ntohl(four.sin_addr.s_addr));
  }
  if (from->sa_family == AF_INET6) {
    sockaddr_in6 six;
    std::memcpy(&six, from, sizeof six);
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
    return boost::asio::ip::address_v6(bytes);
  }
  return std::nullopt;
}

}  // namespace

Result<PeerEntry> PeerEntry::parse(std::string_view text) {
  auto parsed = HostPort::parse(text, kNoPort);
  if (!parsed) return std::unexpected(parsed.error());
  PeerEntry entry;
  entry.service = names_service(parsed->host);
  const bool bare = parsed->port == kNoPort && !text.ends_with(fmt::format(":{}", kNoPort));
  if (entry.service && !bare) return fail(ErrorKind::config, "the SRV records of a service name the port");
  entry.host = std::move(parsed->host);
  entry.port = bare ? std::uint16_t{0} : parsed->port;
  return entry;
}

Task<std::vector<Peer>> find_peers(net::Net& net, std::vector<PeerEntry> entries, SteadyTime deadline) {
  std::vector<Task<std::vector<Peer>>> tasks;
  for (auto& entry : entries) tasks.push_back(find_entry(net, std::move(entry), deadline));
  auto found = co_await async::all(std::move(tasks));
  std::vector<Peer> peers;
  for (auto& some : found) std::ranges::move(some, std::back_inserter(peers));
  std::ranges::sort(peers, {}, &Peer::name);
  const auto again = std::ranges::unique(peers, {}, &Peer::name);
  peers.erase(again.begin(), again.end());
  if (peers.size() > kMaxPeers) peers.resize(kMaxPeers);
  co_return peers;
}

std::set<address> own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(list, &freeifaddrs);
  std::set<address> out;
  for (const auto* one = list; one != nullptr; one = one->ifa_next) {
    const auto at = address_of(one->ifa_addr);
    if (!at || at->is_loopback() || (at->is_v6() && at->to_v6().is_link_local())) continue;
    out.insert(*at);
  }
  return out;
}

bool is_own(const Peer& peer, const std::set<address>& own) {
  return std::ranges::any_of(peer.addresses, [&](const address& at) { return own.contains(at); });
}

std::optional<std::size_t> find_self(std::span<const Peer> peers, std::string_view self,
                                     const std::set<address>& own) {
  const auto is_self = [&](const Peer& peer) { return self.empty() ? is_own(peer, own) : peer.name == self; };
  const auto found = std::ranges::find_if(peers, is_self);
  if (found == peers.end()) return std::nullopt;
  return static_cast<std::size_t>(found - peers.begin());
}

}  // namespace qw::probes
