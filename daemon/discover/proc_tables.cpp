#include "daemon/discover/proc_tables.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "daemon/base/stable_sort.hpp"
#include "daemon/base/text.hpp"

namespace qw::discover {
namespace {

constexpr std::string_view kTcpListen = "0A";
constexpr std::string_view kUdpUnconnected = "07";
constexpr std::size_t kMostAddresses = 64;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    line = trim(line);
    if (line.empty()) return out;
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string print_ipv4(std::uint32_t network_order) {
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, &network_order, text.data(), text.size()) ? text.data() : "";
}

std::string print_ipv6(const std::array<std::uint8_t, 16>& bytes) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    std::uint32_t four = 0;
    std::memcpy(&four, bytes.data() + kMapped.size(), sizeof four);
    return print_ipv4(four);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size()) ? text.data() : "";
}

/// The kernel prints each 32-bit word as a number of its own byte order, which is ours.
std::optional<std::uint32_t> word_of(std::string_view hex) {
  const auto value = hex.size() == 8 ? parse_hex_uint64(hex) : std::nullopt;
  return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

std::string read_address(std::string_view hex) {
  if (hex.size() == 8) {
    const auto word = word_of(hex);
    return word ? print_ipv4(*word) : "";
  }
  if (hex.size() != 32) return "";
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto word = word_of(hex.substr(8 * i, 8));
    if (!word) return "";
    std::memcpy(bytes.data() + 4 * i, &*word, 4);
  }
  return print_ipv6(bytes);
}

struct Network {
  std::string interface;
  std::uint32_t destination = 0;
  std::uint32_t gateway = 0;
  std::uint32_t mask = 0;
};

std::vector<Network> read_routes(std::string_view text) {
  std::vector<Network> out;
  for (const auto line : split(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 8) continue;
    const auto destination = word_of(words[1]);
    const auto gateway = word_of(words[2]);
    const auto mask = word_of(words[7]);
    if (destination && gateway && mask) {
      out.push_back({std::string(words[0]), *destination, *gateway, *mask});
    }
  }
  return out;
}

/// Whether packets of the default route leave from it.
bool is_main(const std::string& address, const std::vector<Network>& routes) {
  std::uint32_t value = 0;
  if (::inet_pton(AF_INET, address.c_str(), &value) != 1) return false;
  for (const auto& one : routes) {
    if (one.destination != 0 || one.mask != 0) continue;
    for (const auto& other : routes) {
      if (other.interface == one.interface && other.gateway == 0 && other.mask != 0 &&
          (value & other.mask) == other.destination)
        return true;
    }
  }
  return false;
}

}  // namespace

std::vector<SocketLine> read_sockets(std::string_view text, bool udp) {
  std::vector<SocketLine> out;
  for (const auto line : split(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 10 || words[3] != (udp ? kUdpUnconnected : kTcpListen)) continue;
    const auto colon = words[1].find(':');
    const auto inode = parse_uint64(words[9]);
    if (colon == std::string_view::npos || !inode) continue;
    const auto port = parse_hex_uint64(words[1].substr(colon + 1));
    auto address = read_address(words[1].substr(0, colon));
    if (!port || *port == 0 || *port > 65535 || address.empty()) continue;
    out.push_back({{udp, std::move(address), static_cast<std::uint16_t>(*port)}, *inode});
  }
  return out;
}

std::vector<std::string> read_ipv4(std::string_view fib_trie, std::string_view route) {
  const auto routes = read_routes(route);
  std::set<std::string> seen;
  std::vector<std::string> out;
  std::string_view last;
  for (const auto line : split(fib_trie, '\n')) {
    const auto words = words_of(line);
    if (words.size() == 2 && words[0] == "|--") last = words[1];
    if (words.size() < 3 || words[0] != "/32" || words[1] != "host" || words[2] != "LOCAL") continue;
    std::uint32_t value = 0;
    const std::string address(last);
    if (address.starts_with("127.") || ::inet_pton(AF_INET, address.c_str(), &value) != 1) continue;
    if (out.size() < kMostAddresses && seen.insert(address).second) out.push_back(address);
  }
  sort_stably(out, [&](const auto& address) { return !is_main(address, routes); });
  return out;
}

std::vector<std::string> read_ipv6(std::string_view if_inet6) {
  constexpr std::string_view kGlobal = "00";
  std::vector<std::string> out;
  for (const auto line : split(if_inet6, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 6 || words[0].size() != 32 || words[3] != kGlobal) continue;
    std::array<std::uint8_t, 16> bytes{};
    bool good = true;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto value = parse_hex_uint64(words[0].substr(2 * i, 2));
      good = good && value.has_value();
      bytes[i] = static_cast<std::uint8_t>(value.value_or(0));
    }
    if (good && out.size() < kMostAddresses) out.push_back(print_ipv6(bytes));
  }
  return out;
}

std::string read_unit(std::string_view cgroup) {
  for (const auto line : split(cgroup, '\n')) {
    // 0::/system.slice/etcd.service; with the old hierarchy 1:name=systemd:/...
    if (!line.starts_with("0::") && !line.contains(":name=systemd:")) continue;
    std::string_view unit;
    for (const auto part : split(line, '/')) {
      if (part.ends_with(".service")) unit = part;
    }
    if (!unit.empty()) return sanitize(unit, 128);
  }
  return "";
}

std::vector<std::string> read_strings(std::string_view text, std::size_t most) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  std::vector<std::string> out;
  if (text.empty()) return out;
  for (const auto part : split(text, '\0')) {
    if (out.size() == most) break;
    out.emplace_back(part);
  }
  return out;
}

std::uint64_t read_socket_link(std::string_view link) {
  constexpr std::string_view kHead = "socket:[";
  if (!link.starts_with(kHead) || !link.ends_with(']')) return 0;
  link.remove_prefix(kHead.size());
  link.remove_suffix(1);
  return parse_uint64(link).value_or(0);
}

}  // namespace qw::discover
