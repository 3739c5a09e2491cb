#include "daemon/net/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace qw::net {
namespace {

std::uint16_t port_of(std::string_view scheme) {
  if (scheme == "http") return 80;
  return scheme == "https" ? 443 : 0;
}

}  // namespace

Result<Url> Url::parse(std::string_view text, std::uint16_t default_port) {
  const auto bad = [](std::string why) { return fail(ErrorKind::config, std::move(why)); };
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return bad("expected an address such as http://host:port");
  const auto& url = *parsed;
  if (url.has_userinfo()) return bad("user names and passwords do not belong into an address");
  if (url.has_query() || url.has_fragment()) return bad("an address here has no '?' and no '#'");
  if (url.host().empty()) return bad("the host is missing");
  Url made;
  made.scheme = std::string_view(url.scheme());
  std::ranges::transform(made.scheme, made.scheme.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::uint16_t usual = port_of(made.scheme) != 0 ? port_of(made.scheme) : default_port;
  const std::string_view authority = url.encoded_host_and_port();
  auto to = HostPort::parse(authority, usual);
  if (!to) return std::unexpected(to.error());
  made.to = std::move(*to);
  made.path = std::string_view(url.encoded_path());
  while (made.path.ends_with('/')) made.path.pop_back();
  return made;
}

std::string Url::print() const {
  return fmt::format("{}://{}{}", scheme, to.print(), path);
}

}  // namespace qw::net
