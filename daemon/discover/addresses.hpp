#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/discover/host_view.hpp"

/// Where a server is asked, and what others call it. Nothing is resolved.
namespace qw::discover {

struct Place {
  std::string host;  ///< a name or an address, without brackets; empty: every address
  std::uint16_t port = 0;
  auto operator<=>(const Place&) const = default;
};

struct Url {
  std::string scheme;
  Place place;  ///< port 0: none is given
};

/// "scheme://host:port" and what may follow after '/' or '?'. A host has letters, digits, '.', '-', '_', ':'
/// or '%'.
std::optional<Url> read_url(std::string_view text);

/// "host:port", "[::1]:port"; a port must be there.
std::optional<Place> read_place(std::string_view text);
std::optional<std::uint16_t> read_port(std::string_view text);
bool is_host(std::string_view text);

std::string print(const Place& place);
bool is_wildcard(std::string_view host);
bool is_loopback(std::string_view host);

/// What a process calls this place, the same for all that mean the same: loopback is one of its network
/// namespace.
std::string key_of(const Process& process, const Place& place);

/// Every key under which others may know the TCP port of this process.
std::vector<std::string> keys_of(const Process& process, std::uint16_t port);

bool listens_on(const Process& process, std::uint16_t port, bool udp = false);

struct Choice {
  Place place;  ///< port 0: it can not be asked from here
  std::string note;
};

/// The place at which to ask a port of this process: the one that it advertises, if it is more than loopback,
/// or one that it listens on.
Choice choose(const Process& process, std::uint16_t port, const std::string& advertised = "",
              bool udp = false);

}  // namespace qw::discover
