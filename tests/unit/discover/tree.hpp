#pragma once
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "daemon/discover/finding.hpp"
#include "daemon/discover/host_reader.hpp"
#include "daemon/discover/write.hpp"

namespace qw::discover {

/// A small host on disk: /proc as the kernel shows it, and files beside it.
class Tree {
 public:
  Tree() : root_("/tmp/quorumwatch-discover-XXXXXX") {
    ::mkdtemp(root_.data());
    file("/proc/sys/kernel/hostname", "db-1\n");
    network("/proc/self", "1", "10.0.0.1", {});
  }
  ~Tree() { std::filesystem::remove_all(root_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  const std::string& root() const { return root_; }

  void file(const std::string& path, const std::string& text) const {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }

  void link(const std::string& path, const std::string& to) const {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::filesystem::remove(whole);
    std::filesystem::create_symlink(to, whole);
  }

  /// One line of net/tcp; `address` as the kernel prints it, "0100007F" is 127.0.0.1.
  struct Socket {
    std::string address;
    int port;
    std::string state = "0A";
    bool udp = false;
  };

  struct Server {
    int pid = 1;
    std::string comm = {};
    std::vector<std::string> args = {};
    std::vector<Socket> sockets = {};
    std::string folder = "/";
    std::string network = "1";  ///< "1" is ours
    std::string address = "10.0.0.1";
    std::string unit = "";
    std::string environment = "";
    bool open = true;  ///< false: only what everybody may see of a process
  };

  void add(const Server& server) const {
    const auto folder = "/proc/" + std::to_string(server.pid);
    std::string line;
    for (const auto& arg : server.args) line += arg + '\0';
    file(folder + "/cmdline", line);
    file(folder + "/comm", server.comm + "\n");
    file(folder + "/cgroup", server.unit.empty() ? "0::/\n" : "0::/system.slice/" + server.unit + "\n");
    network(folder, server.network, server.address, server.sockets, server.pid * 100);
    if (!server.open) {
      std::filesystem::remove_all(root_ + folder + "/ns");
      return;
    }
    file(folder + "/environ", server.environment);
    link(folder + "/cwd", server.folder);
    link(folder + "/root", "../..");
    std::filesystem::create_directories(root_ + folder + "/fd");
    for (std::size_t i = 0; i < server.sockets.size(); ++i) {
      link(folder + "/fd/" + std::to_string(i + 3),
           "socket:[" + std::to_string(server.pid * 100 + static_cast<int>(i)) + "]");
    }
    link(folder + "/fd/0", "/dev/null");
  }

  HostView view() const { return read_host(root_); }

  std::string printed() const {
    HostFiles files(root_);
    const auto host = view();
    return write(host, find_all(host, files));
  }

 private:
  void network(const std::string& folder, const std::string& id, const std::string& address,
               const std::vector<Socket>& sockets, int inode = 0) const {
    link(folder + "/ns/net", "net:[" + id + "]");
    std::string tcp =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    std::string udp = tcp;
    for (const auto& socket : sockets) {
      char port[8];
      std::snprintf(port, sizeof port, "%04X", static_cast<unsigned>(socket.port));
      (socket.udp ? udp : tcp) += "   0: " + socket.address + ":" + port + " 00000000:0000 " + socket.state +
                                  " 00000000:00000000 00:00000000 00000000     0        0 " +
                                  std::to_string(inode++) + " 1 0 100 0\n";
    }
    // Processes of one namespace see the same; the last one written is read first by nobody, so all are in
    // one.
    auto& whole = networks_[id];
    whole.first += tcp;
    whole.second += udp;
    folders_[id].push_back(folder);
    for (const auto& one : folders_[id]) {
      file(one + "/net/tcp", whole.first);
      file(one + "/net/udp", whole.second);
      file(one + "/net/fib_trie",
           "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- " + address +
               "\n        /32 host LOCAL\n     |-- 127.0.0.1\n"
               "        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\nLocal:\n     |-- " +
               address + "\n        /32 host LOCAL\n");
    }
  }

  std::string root_;
  mutable std::map<std::string, std::pair<std::string, std::string>> networks_;
  mutable std::map<std::string, std::vector<std::string>> folders_;
};

inline Tree::Socket every_address(int port) {
  return {.address = "00000000", .port = port};
}

}  // namespace qw::discover
