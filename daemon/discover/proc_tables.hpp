#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/discover/host_view.hpp"

/// The text files of /proc (proc(5), and the kernel's Documentation/networking/proc_net_tcp.rst), line by
/// line. A line that is none is left out.
namespace qw::discover {

struct SocketLine {
  Listening listening;
  std::uint64_t inode = 0;
};

/// The listening ones of net/tcp and net/tcp6, or of net/udp and net/udp6.
std::vector<SocketLine> read_sockets(std::string_view text, bool udp);

/// The machine's own IPv4 addresses of net/fib_trie, without loopback; those first that lie in a network of
/// the interface with the default route (net/route).
std::vector<std::string> read_ipv4(std::string_view fib_trie, std::string_view route);

/// The addresses of net/if_inet6 that are valid everywhere.
std::vector<std::string> read_ipv6(std::string_view if_inet6);

/// The systemd unit of a service in the cgroup file; empty: none.
std::string read_unit(std::string_view cgroup);

/// What stands between NUL bytes (cmdline, environ), without empty ends. At most `most` of them.
std::vector<std::string> read_strings(std::string_view text, std::size_t most);

/// The inode in "socket:[4711]"; 0: it is no socket.
std::uint64_t read_socket_link(std::string_view link);

}  // namespace qw::discover
