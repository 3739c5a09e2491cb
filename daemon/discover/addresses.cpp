#include "daemon/discover/addresses.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::discover {
namespace {

constexpr std::size_t kLongestHost = 253;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '%';
}

/// The addresses at which this process hears the port, every one of its namespace where it listens on all.
std::vector<std::string> heard_at(const Process& process, std::uint16_t port, bool udp) {
  std::vector<std::string> out;
  for (const auto& one : process.listens) {
    if (one.port != port || one.udp != udp) continue;
    if (!is_wildcard(one.address)) {
      out.push_back(one.address);
      continue;
    }
    for (const auto& address : process.addresses) {
      // "::" is usually both families, "0.0.0.0" never.
      if (one.address == "::" || !address.contains(':')) out.push_back(address);
    }
    out.emplace_back(one.address == "::" && process.addresses.empty() ? "::1" : "127.0.0.1");
  }
  std::vector<std::string> once;
  for (auto& one : out) {
    if (std::ranges::find(once, one) == once.end()) once.push_back(std::move(one));
  }
  return once;
}

}  // namespace

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= kLongestHost && text.front() != '-' &&
         std::ranges::all_of(text, is_host_character);
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  const auto value = parse_uint64(text);
  if (!value || *value == 0 || *value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::optional<Place> read_place(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = read_port(text.substr(colon + 1));
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return std::nullopt;
  }
  if (!port || (!host.empty() && !is_host(host))) return std::nullopt;
  return Place{std::string(host), *port};
}

std::optional<Url> read_url(std::string_view text) {
  text = trim(text);
  const auto colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Url out;
  out.scheme = text.substr(0, colon);
  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (auto place = read_place(rest)) {
    out.place = std::move(*place);
    return out;
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (!is_host(rest) || (rest.contains(':') && rest.find(':') == rest.rfind(':'))) return std::nullopt;
  out.place.host = rest;
  return out;
}

std::string print(const Place& place) {
  return fmt::format(fmt::runtime(place.host.contains(':') ? "[{}]:{}" : "{}:{}"), place.host, place.port);
}

bool is_wildcard(std::string_view host) {
  return host.empty() || host == "0.0.0.0" || host == "::" || host == "*";
}

bool is_loopback(std::string_view host) {
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

std::string key_of(const Process& process, const Place& place) {
  if (is_wildcard(place.host) || is_loopback(place.host)) {
    // Where nobody knows the namespace, its loopback is nobody else's.
    const auto whose = process.network.empty() ? fmt::format("pid {}", process.pid) : process.network;
    return fmt::format("{} loopback:{}", whose, place.port);
  }
  return print(place);
}

std::vector<std::string> keys_of(const Process& process, std::uint16_t port) {
  std::vector<std::string> out;
  for (const auto& host : heard_at(process, port, false)) out.push_back(key_of(process, {host, port}));
  return out;
}

bool listens_on(const Process& process, std::uint16_t port, bool udp) {
  return std::ranges::any_of(process.listens,
                             [&](const auto& one) { return one.port == port && one.udp == udp; });
}

Choice choose(const Process& process, std::uint16_t port, const std::string& advertised, bool udp) {
  if (is_host(advertised) && !is_wildcard(advertised) && !is_loopback(advertised)) {
    const bool elsewhere = process.sockets_read && !listens_on(process, port, udp);
    return {
        {advertised, port},
        elsewhere ? fmt::format("it does not listen on port {} itself: is something in between?", port) : ""};
  }
  auto heard = heard_at(process, port, udp);
  if (heard.empty() && !process.sockets_read && !advertised.empty()) heard.push_back("127.0.0.1");
  std::vector<std::string> outside;
  std::ranges::copy_if(heard, std::back_inserter(outside), [](const auto& one) { return !is_loopback(one); });
  if (!outside.empty()) {
    Choice out{{outside.front(), port}, ""};
    outside.erase(outside.begin());
    if (!outside.empty()) out.note = fmt::format("also at {}", fmt::join(outside, ", "));
    return out;
  }
  if (heard.empty()) return {{}, "it is not known where it listens"};
  if (process.own_network) return {{heard.front(), port}, "only this host can ask it"};
  if (process.network.empty()) return {{}, "it listens on loopback, and whether on ours is not known"};
  return {{}, "it listens only on the loopback of its network namespace: nobody outside can ask it"};
}

}  // namespace qw::discover
