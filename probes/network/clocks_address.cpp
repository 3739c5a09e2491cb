#include "probes/network/clocks_address.hpp"

#include <algorithm>
#include <array>

namespace qw::probes {
namespace {

struct Scheme {
  std::string_view prefix;
  ClockScheme scheme;
  std::uint16_t port;
};
constexpr std::array kSchemes{
    Scheme{"ntp://", ClockScheme::ntp, 123}, Scheme{"chrony://", ClockScheme::chrony, 323},
    Scheme{"http://", ClockScheme::http, 80}, Scheme{"https://", ClockScheme::https, 443}};

bool is_http(ClockScheme scheme) {
  return scheme == ClockScheme::http || scheme == ClockScheme::https;
}

}  // namespace

Result<ClockAddress> ClockAddress::parse(std::string_view text) {
  const auto scheme =
      std::ranges::find_if(kSchemes, [&](const Scheme& one) { return text.starts_with(one.prefix); });
  if (scheme == kSchemes.end())
    return fail(ErrorKind::config, "must begin with ntp://, chrony://, http:// or https://");
  const auto rest = text.substr(scheme->prefix.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  auto at = net::HostPort::parse(rest.substr(0, slash), scheme->port);
  if (!at) return std::unexpected(at.error());
  const auto path = rest.substr(slash);
  if (!is_http(scheme->scheme) && path.size() > 1)
    return fail(ErrorKind::config, "ntp and chrony have no path");
  return ClockAddress{.name = std::string(text),
                      .scheme = scheme->scheme,
                      .at = std::move(*at),
                      .path = path.empty() ? "/" : std::string(path)};
}

}  // namespace qw::probes
