#include "daemon/discover/host_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/discover/proc_tables.hpp"

namespace qw::discover {
namespace {

constexpr std::size_t kMaxProcesses = 50'000;
constexpr std::size_t kMaxDescriptors = 200'000;
constexpr std::size_t kMaxNetworks = 2000;
constexpr std::size_t kMaxTable = 16U << 20U;
constexpr std::size_t kMaxSmall = 256U << 10U;
constexpr std::size_t kMaxWords = 2000;

/// Variables that say how a server is set up, and never a password.
constexpr std::array<std::string_view, 14> kVariables{"ETCD_NAME",
                                                      "ETCD_CONFIG_FILE",
                                                      "ETCD_LISTEN_CLIENT_URLS",
                                                      "ETCD_LISTEN_PEER_URLS",
                                                      "ETCD_ADVERTISE_CLIENT_URLS",
                                                      "ETCD_INITIAL_ADVERTISE_PEER_URLS",
                                                      "ETCD_INITIAL_CLUSTER",
                                                      "ETCD_INITIAL_CLUSTER_TOKEN",
                                                      "ETCD_CERT_FILE",
                                                      "ETCD_TRUSTED_CA_FILE",
                                                      "ETCD_CLIENT_CERT_AUTH",
                                                      "ETCD_ELECTION_TIMEOUT",
                                                      "ETCD_HEARTBEAT_INTERVAL",
                                                      "PGDATA"};

/// A whole file of /proc, or nothing. Of a longer one the start.
std::optional<std::string> slurp(const std::string& path, std::size_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  std::string out;
  std::array<char, 65536> part;
  while (out.size() < most) {
    const auto got = ::read(fd, part.data(), std::min(part.size(), most - out.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      ::close(fd);
      return std::nullopt;
    }
    if (got == 0) break;
    out.append(part.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  return out;
}

std::string link_of(const std::string& path) {
  std::array<char, 4096> text;
  const auto length = ::readlink(path.c_str(), text.data(), text.size());
  return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "";
}

/// The names in a folder, or nothing where it may not be read.
std::optional<std::vector<std::string>> names_in(const std::string& path, std::size_t most) {
  DIR* folder = ::opendir(path.c_str());
  if (!folder) return std::nullopt;
  std::vector<std::string> out;
  while (out.size() < most) {
    const dirent* entry = ::readdir(folder);
    if (!entry) break;
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  ::closedir(folder);
  return out;
}

/// What is the same for all processes of one network namespace.
struct Network {
  std::map<std::uint64_t, Listening> listening;  ///< by inode
  std::vector<std::string> addresses;
};

std::vector<std::string> read_addresses(const std::string& folder) {
  auto out = read_ipv4(slurp(folder + "fib_trie", kMaxTable).value_or(""),
                       slurp(folder + "route", kMaxTable).value_or(""));
  auto newer = read_ipv6(slurp(folder + "if_inet6", kMaxSmall).value_or(""));
  out.insert(out.end(), newer.begin(), newer.end());
  return out;
}

Network read_network(const std::string& folder) {
  Network out;
  for (const auto* name : {"tcp", "tcp6", "udp", "udp6"}) {
    const auto text = slurp(folder + name, kMaxTable);
    if (!text) continue;
    for (auto& line : read_sockets(*text, std::string_view(name).starts_with("udp"))) {
      out.listening.emplace(line.inode, std::move(line.listening));
    }
  }
  out.addresses = read_addresses(folder);
  return out;
}

class HostReader {
 public:
  explicit HostReader(const std::string& root) : proc_(root + "/proc/") {}

  HostView read() {
    HostView view;
    view.name = trim(slurp(proc_ + "sys/kernel/hostname", kMaxSmall).value_or(""));
    own_ = link_of(proc_ + "self/ns/net");
    auto names = names_in(proc_, kMaxProcesses);
    if (!names) view.problems.push_back(proc_ + " can not be read: no process was seen");
    std::vector<std::uint64_t> pids;
    for (const auto& name : names.value_or(std::vector<std::string>{})) {
      if (const auto pid = parse_uint64(name)) pids.push_back(*pid);
    }
    std::ranges::sort(pids);
    for (const auto pid : pids) {
      if (auto process = read_process(pid)) view.processes.push_back(std::move(*process));
    }
    add_ownerless(view);
    add_problems(view);
    return view;
  }

 private:
  std::optional<Process> read_process(std::uint64_t pid) {
    const auto folder = fmt::format("{}{}/", proc_, pid);
    const auto line = slurp(folder + "cmdline", kMaxSmall);
    Process out;
    out.pid = pid;
    if (line) out.args = read_strings(*line, kMaxWords);
    if (out.args.empty()) return std::nullopt;
    out.comm = trim(slurp(folder + "comm", kMaxSmall).value_or(""));
    out.folder = link_of(folder + "cwd");
    out.unit = read_unit(slurp(folder + "cgroup", kMaxSmall).value_or(""));
    read_environment(folder, out);
    out.network = link_of(folder + "ns/net");
    out.own_network = !own_.empty() && out.network == own_;
    const auto& network = network_of(out.network, folder + "net/");
    out.addresses = network.addresses;
    read_listening(folder, network, out);
    return out;
  }

  static void read_environment(const std::string& folder, Process& out) {
    const auto text = slurp(folder + "environ", kMaxSmall);
    out.environment_read = text.has_value();
    for (const auto& one : read_strings(text.value_or(""), kMaxWords)) {
      const auto equals = one.find('=');
      if (equals == std::string::npos) continue;
      const auto name = one.substr(0, equals);
      if (std::ranges::find(kVariables, name) != kVariables.end())
        out.environment[name] = one.substr(equals + 1);
    }
  }

  void read_listening(const std::string& folder, const Network& network, Process& out) {
    if (descriptors_ >= kMaxDescriptors) return;
    const auto names = names_in(folder + "fd", kMaxDescriptors - descriptors_);
    out.sockets_read = names && !out.network.empty();
    if (!names) {
      ++closed_;
      return;
    }
    std::set<Listening> found;
    descriptors_ += names->size();
    for (const auto& name : *names) {
      const auto inode = read_socket_link(link_of(folder + "fd/" + name));
      const auto socket = inode ? network.listening.find(inode) : network.listening.end();
      if (socket == network.listening.end()) continue;
      found.insert(socket->second);
      if (out.own_network) owned_.insert(inode);
    }
    out.listens.assign(found.begin(), found.end());
  }

  /// Where the identity of a namespace is hidden, so are the sockets of its processes, and its tables say
  /// nothing.
  const Network& network_of(const std::string& identity, const std::string& folder) {
    if (const auto known = networks_.find(identity); known != networks_.end()) return known->second;
    if (++networks_read_ > kMaxNetworks) return none_;
    if (identity.empty()) {
      hidden_.addresses = read_addresses(folder);
      return hidden_;
    }
    return networks_.emplace(identity, read_network(folder)).first->second;
  }

  void add_ownerless(HostView& view) {
    const auto own = network_of(own_, proc_ + "self/net/");
    std::set<Listening> found;
    for (const auto& [inode, listening] : own.listening) {
      if (!owned_.contains(inode)) found.insert(listening);
    }
    view.ownerless.assign(found.begin(), found.end());
  }

  void add_problems(HostView& view) const {
    if (own_.empty())
      view.problems.push_back(
          "our own network namespace can not be read: every process counts as in another one");
    if (closed_ > 0) {
      view.problems.push_back(fmt::format(
          "{} processes of other users hide their sockets and their folders: run this as root to see them",
          closed_));
    }
    if (descriptors_ >= kMaxDescriptors)
      view.problems.push_back(
          "there are too many open files: of some processes the sockets were not looked at");
    if (networks_read_ > kMaxNetworks)
      view.problems.push_back(
          "there are too many network namespaces: of some the sockets were not looked at");
    if (view.processes.size() >= kMaxProcesses)
      view.problems.push_back("there are too many processes: some were not looked at");
  }

  std::string proc_;
  std::string own_;
  std::map<std::string, Network> networks_;
  Network hidden_;
  Network none_;
  std::set<std::uint64_t> owned_;
  std::size_t descriptors_ = 0;
  std::size_t networks_read_ = 0;
  std::size_t closed_ = 0;
};

}  // namespace

HostView read_host(const std::string& root) {
  return HostReader(root).read();
}

}  // namespace qw::discover
