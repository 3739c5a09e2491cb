#include "daemon/net/udp_open.hpp"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemon/net/socket_error.hpp"

namespace qw::net {
namespace {

// RFC 792 and RFC 4443 (the system's headers have them as macros that take away ordinary words).
constexpr std::uint32_t kEchoReply = 0;
constexpr std::uint32_t kEchoReply6 = 129;

Error system_error(int number) {
  return socket_error({number, boost::system::system_category()});
}

/// Descriptors are closed on every way out of opening one.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int release() { return std::exchange(number, -1); }
};

bool set(int descriptor, int level, int option, int value) {
  return ::setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

int stamp_flags(const DatagramOptions& options) {
  int flags = 0;
  if (options.receive_stamps) flags |= SOF_TIMESTAMPING_RX_SOFTWARE;
  // With OPT_TSONLY the packet's bytes are not copied into the error queue.
  if (options.transmit_stamps) {
    flags |= SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
  }
  return flags == 0 ? 0 : flags | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_CMSG;
}

/// Who may not have such a socket, and what would change that.
Error refused_kind(DatagramKind kind, bool v6) {
  const char* family = v6 ? "ICMPv6" : "ICMP";
  if (kind == DatagramKind::icmp) {
    return {
        ErrorKind::rejected,
        fmt::format(
            "{} sockets need the group {} in the setting net.ipv4.ping_group_range of this network namespace",
            family, ::getegid())};
  }
  return {ErrorKind::rejected, fmt::format("raw {} sockets need the capability CAP_NET_RAW", family)};
}

Result<int> make(const DatagramOptions& options) {
  const bool v6 = options.local.address().is_v6();
  const int family = v6 ? AF_INET6 : AF_INET;
  const int icmp = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  const bool raw = options.kind == DatagramKind::icmp_raw;
  const int protocol = options.kind == DatagramKind::udp ? static_cast<int>(IPPROTO_UDP) : icmp;
  const int descriptor =
      ::socket(family, (raw ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (descriptor >= 0) return descriptor;
  if ((errno == EACCES || errno == EPERM) && options.kind != DatagramKind::udp) {
    return std::unexpected(refused_kind(options.kind, v6));
  }
  if (errno == EAFNOSUPPORT) {
    return fail(ErrorKind::unreachable, v6 ? "this machine has no IPv6" : "this machine has no IPv4");
  }
  return std::unexpected(system_error(errno));
}

/// Raw sockets get every ICMP packet of the machine; only echo replies with our identifier are let through.
bool filter_echo_replies(int descriptor, std::uint16_t id, bool v6) {
  // IPv4 hands over the IP header too, whose length is in the first byte.
  std::array<sock_filter, 7> v4_code{
      {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kEchoReply, 0, 3), BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff),
       BPF_STMT(BPF_RET | BPF_K, 0)}};
  std::array<sock_filter, 6> v6_code{
      {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kEchoReply6, 0, 3),
       BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
       BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog program = v6 ? sock_fprog{static_cast<unsigned short>(v6_code.size()), v6_code.data()}
                                : sock_fprog{static_cast<unsigned short>(v4_code.size()), v4_code.data()};
  return ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool set_up_family(int descriptor, const DatagramOptions& options) {
  if (options.local.address().is_v6()) {
    return (options.kind != DatagramKind::udp || set(descriptor, SOL_IPV6, IPV6_V6ONLY, 1)) &&
           set(descriptor, SOL_IPV6, IPV6_UNICAST_HOPS, options.ttl) &&
           set(descriptor, SOL_IPV6, IPV6_RECVHOPLIMIT, 1) && set(descriptor, SOL_IPV6, IPV6_RECVERR, 1) &&
           (!options.local_addresses || set(descriptor, SOL_IPV6, IPV6_RECVPKTINFO, 1));
  }
  return set(descriptor, SOL_IP, IP_TTL, options.ttl) && set(descriptor, SOL_IP, IP_RECVTTL, 1) &&
         set(descriptor, SOL_IP, IP_RECVERR, 1) &&
         (!options.local_addresses || set(descriptor, SOL_IP, IP_PKTINFO, 1));
}

bool set_up(int descriptor, const DatagramOptions& options) {
  const bool v6 = options.local.address().is_v6();
  // The filter comes first: until then the socket collects what is not for us.
  if (options.kind == DatagramKind::icmp_raw && !filter_echo_replies(descriptor, options.echo_id, v6))
    return false;
  if (!set_up_family(descriptor, options)) return false;
  // A smaller buffer than wanted is what the system allows, and is no reason to do without the socket.
  if (options.buffer_bytes > 0) set(descriptor, SOL_SOCKET, SO_RCVBUF, options.buffer_bytes);
  // Kernels that can not stamp exist (gVisor): then the stamps are ours, and their error says so.
  set(descriptor, SOL_SOCKET, SO_TIMESTAMPING, stamp_flags(options));
  return true;
}

}  // namespace

Result<int> open_datagram(const DatagramOptions& options) {
  auto made = make(options);
  if (!made) return made;
  Descriptor descriptor{*made};
  if (!set_up(descriptor.number, options)) return std::unexpected(system_error(errno));
  const auto& local = options.local;
  // A raw socket has no port, and one that is bound to nothing needs no call.
  const bool bind = options.kind == DatagramKind::udp || !local.address().is_unspecified();
  if (bind && ::bind(descriptor.number, local.data(), static_cast<socklen_t>(local.size())) != 0) {
    if (errno == EADDRNOTAVAIL) return fail(ErrorKind::unreachable, "this machine does not have the address");
    if (errno == EADDRINUSE) return fail(ErrorKind::internal, "the port is in use");
    if (errno == EACCES) {
      return fail(ErrorKind::rejected,
                  "ports below net.ipv4.ip_unprivileged_port_start need the capability CAP_NET_BIND_SERVICE");
    }
    return std::unexpected(system_error(errno));
  }
  if (options.connect) {
    const auto& to = *options.connect;
    if (::connect(descriptor.number, to.data(), static_cast<socklen_t>(to.size())) != 0) {
      return std::unexpected(system_error(errno));
    }
  }
  return descriptor.release();
}

void restart_stamp_ids(int descriptor, const DatagramOptions& options) {
  const int flags = stamp_flags(options);
  set(descriptor, SOL_SOCKET, SO_TIMESTAMPING, flags & ~static_cast<int>(SOF_TIMESTAMPING_OPT_ID));
  set(descriptor, SOL_SOCKET, SO_TIMESTAMPING, flags);
}

}  // namespace qw::net
