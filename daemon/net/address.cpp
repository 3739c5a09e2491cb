#include "daemon/net/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace qw::net {
namespace {

namespace asio = boost::asio;

/// The parts of an address as text, before either is believed.
struct Parts {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
  bool has_port = false;
};

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorKind::config, std::move(why));
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// What no address holds, said in words of its own. The text itself is not repeated: it may hold a password.
Result<void> refuse_foreign(std::string_view text) {
  if (text.empty()) return bad("empty address; expected host:port");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f')
      return bad("an address has no blanks or control characters");
  }
  if (text.find("://") != std::string_view::npos)
    return bad("expected host:port without a scheme such as http://");
  if (text.find('@') != std::string_view::npos)
    return bad("user names and passwords do not belong into an address");
  if (text.find_first_of("/?#") != std::string_view::npos) return bad("expected host:port without a path");
  return {};
}

Result<Parts> take_apart(std::string_view text) {
  Parts parts;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos)
      return bad("the bracket is not closed; expected [IPv6 address]:port");
    parts.host = text.substr(1, close - 1);
    parts.bracketed = true;
    text.remove_prefix(close + 1);
    if (text.empty()) return parts;
    if (text.front() != ':') return bad("expected ':' and a port after ']'");
    parts.port = text.substr(1);
    parts.has_port = true;
    return parts;
  }
  const auto colons = std::ranges::count(text, ':');
  if (colons == 0 || colons > 1) {
    parts.host = text;
    return parts;
  }
  const auto colon = text.find(':');
  parts.host = text.substr(0, colon);
  parts.port = text.substr(colon + 1);
  parts.has_port = true;
  return parts;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || (error == std::errc() && end != text.data() + text.size()) ||
      error == std::errc::invalid_argument) {
    return bad("expected a port number after ':'");
  }
  if (error != std::errc() || value == 0 || value > 65535) return bad("the port must be within 1 and 65535");
  return static_cast<std::uint16_t>(value);
}

/// With or without the interface of a link-local address ("fe80::1%eth0"), which Asio takes whatever it looks
/// like.
bool is_ip6(std::string_view host) {
  if (const auto percent = host.find('%'); percent != std::string_view::npos) {
    const auto zone = host.substr(percent + 1);
    const auto fits = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; };
    if (zone.empty() || zone.size() > 15 || !std::ranges::all_of(zone, fits)) return false;
  }
  boost::system::error_code error;
  asio::ip::make_address_v6(std::string(host), error);
  return !error;
}

/// A name as DNS allows it (RFC 1123 2.1, and '_' as in service names), or an IPv4 literal. A name whose last
/// label is a number can only be a mistyped IPv4 address.
Result<void> check_name(std::string_view host) {
  if (host.empty()) return bad("the host is empty; expected host:port");
  boost::system::error_code not_ip4;
  asio::ip::make_address_v4(std::string(host), not_ip4);
  if (!not_ip4) return {};
  if (host.size() > 253) return bad("the host name is longer than 253 characters");
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string_view label;
  while (true) {
    const auto dot = host.find('.');
    label = host.substr(0, dot);
    if (label.empty()) return bad("the host name has an empty part between its dots");
    if (label.size() > 63) return bad("a part of the host name is longer than 63 characters");
    if (!std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; })) {
      return bad("a host name has letters, digits, '-', '_' and '.' only");
    }
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  if (std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; })) {
    return bad("not an IPv4 address, and no host name ends with a number");
  }
  return {};
}

Result<void> check_host(const Parts& parts) {
  if (parts.bracketed) {
    if (!is_ip6(parts.host)) return bad("expected an IPv6 address between the brackets");
    return {};
  }
  if (parts.host.find(':') == std::string_view::npos) return check_name(parts.host);
  if (!is_ip6(parts.host)) return bad("expected host:port, or [IPv6 address]:port");
  return {};
}

}  // namespace

Result<HostPort> HostPort::parse(std::string_view text, std::uint16_t default_port) {
  if (auto foreign = refuse_foreign(text); !foreign) return std::unexpected(foreign.error());
  const auto parts = take_apart(text);
  if (!parts) return std::unexpected(parts.error());
  if (auto host = check_host(*parts); !host) return std::unexpected(host.error());
  HostPort out;
  out.host = parts->host;
  out.port = default_port;
  if (parts->has_port) {
    const auto port = parse_port(parts->port);
    if (!port) return std::unexpected(port.error());
    out.port = *port;
  } else if (default_port == 0) {
    // Without brackets nobody can tell whether the last group of an IPv6 address is meant as a port.
    const bool ip6 = !parts->bracketed && parts->host.find(':') != std::string_view::npos;
    return bad(ip6 ? "an IPv6 address needs brackets and a port: [IPv6 address]:port"
                   : "the port is missing; expected host:port");
  }
  return out;
}

std::string HostPort::print() const {
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

}  // namespace qw::net
