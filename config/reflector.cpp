#include "config/reflector.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <set>

#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

constexpr std::size_t kMostAddresses = 16;
constexpr std::uint64_t kMostPackets = 1'000'000;

bool is_address(int family, std::string_view text) {
  char out[sizeof(in6_addr)];
  return ::inet_pton(family, std::string(text).c_str(), out) == 1;
}

bool is_port(std::string_view text) {
  const auto port = parse_uint64(text);
  return port && *port >= 1 && *port <= 65'535;
}

/// "10.0.0.1", "10.0.0.1:862", "::", "[::]:862".
bool is_place(std::string_view text) {
  if (is_address(AF_INET, text) || is_address(AF_INET6, text)) return true;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return false;
  const auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    return is_address(AF_INET6, host.substr(1, host.size() - 2));
  return is_address(AF_INET, host);
}

void section(Fields& fields, ReflectorOptions& options) {
  fields.optional("listen", &options.listen,
                  "IP addresses on which the STAMP and TWAMP-light packets of others are answered; the port "
                  "is 862 if not "
                  "given (below net.ipv4.ip_unprivileged_port_start it needs CAP_NET_BIND_SERVICE). Empty: "
                  "no reflector.");
  std::set<std::string_view> seen;
  for (const auto& place : options.listen) {
    fields.check("listen", is_place(place),
                 fmt::format("'{}': expected an IP address and a port, as in 10.0.0.1:862 or [::]:862",
                             sanitize(place, 80)));
    fields.check("listen", seen.insert(place).second, fmt::format("{} is there twice", sanitize(place, 80)));
  }
  fields.check("listen", options.listen.size() <= kMostAddresses,
               fmt::format("has more than {} addresses", kMostAddresses));
  fields.optional("packets_per_second", &options.packets_per_second,
                  "Answers in all; what is more is not answered.");
  fields.optional("packets_per_second_and_source", &options.packets_per_second_and_source,
                  "Answers to one address.");
  const auto sensible = [](std::uint64_t packets) { return packets >= 1 && packets <= kMostPackets; };
  fields.check("packets_per_second", sensible(options.packets_per_second),
               fmt::format("must be 1 to {}", kMostPackets));
  fields.check("packets_per_second_and_source", sensible(options.packets_per_second_and_source),
               fmt::format("must be 1 to {}", kMostPackets));
}

}  // namespace

void reflector_fields(Fields& fields, ReflectorOptions& options) {
  fields.object("reflector",
                "Answers the round trip packets of other nodes, an answer never larger than its question.",
                [&](Fields& keys) { section(keys, options); });
}

}  // namespace qw::config
