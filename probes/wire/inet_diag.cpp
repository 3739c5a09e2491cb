#include "probes/wire/inet_diag.hpp"

// The C library's own tcp_info ends before the counters that are wanted here.
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace qw::wire {
namespace {

/// States of a socket as the kernel numbers them (include/net/tcp_states.h): established, SYN sent, FIN-WAIT
/// 1 and 2, CLOSE-WAIT, LAST-ACK, CLOSING. The others have no peer or no counts.
constexpr std::uint32_t kStates = 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 8 | 1u << 9 | 1u << 11;
constexpr std::size_t kAlignment = 4;
constexpr std::uint32_t kNoRtt = 0xffff'ffff;

constexpr std::size_t aligned(std::size_t size) {
  return (size + kAlignment - 1) & ~(kAlignment - 1);
}

/// A copy, since nothing in a datagram is aligned for sure.
template <class T>
std::optional<T> read(std::string_view bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// tcp_info grows with the kernel: an older one leaves the end away.
struct Counts {
  tcp_info info{};
  std::size_t size = 0;
};

Counts read_counts(std::string_view bytes) {
  Counts counts;
  counts.size = std::min(bytes.size(), sizeof counts.info);
  std::memcpy(&counts.info, bytes.data(), counts.size);
  return counts;
}

bool fill_counts(const Counts& counts, TcpSocket& socket) {
  if (counts.size < offsetof(tcp_info, tcpi_segs_out) + sizeof counts.info.tcpi_segs_out) return false;
  socket.segments_sent = counts.info.tcpi_segs_out;
  socket.retransmits = counts.info.tcpi_total_retrans;
  if (counts.size >= offsetof(tcp_info, tcpi_min_rtt) + sizeof counts.info.tcpi_min_rtt &&
      counts.info.tcpi_min_rtt != kNoRtt)
    socket.min_rtt_us = counts.info.tcpi_min_rtt;
  return true;
}

/// Whether it is one to be listed.
Result<bool> read_socket(std::string_view body, TcpSocket& socket) {
  const auto message = read<inet_diag_msg>(body);
  if (!message) return fail(ErrorKind::protocol, "sock_diag: a message that is too short");
  socket.cookie = static_cast<std::uint64_t>(message->id.idiag_cookie[1]) << 32 | message->id.idiag_cookie[0];
  socket.local_port = ntohs(message->id.idiag_sport);
  socket.peer_port = ntohs(message->id.idiag_dport);
  if (message->idiag_family == AF_INET) {
    socket.peer[10] = socket.peer[11] = 0xff;
    std::memcpy(socket.peer.data() + 12, &message->id.idiag_dst[0], 4);
  } else {
    std::memcpy(socket.peer.data(), &message->id.idiag_dst[0], 16);
  }
  bool counted = false;
  body.remove_prefix(std::min(body.size(), aligned(sizeof(inet_diag_msg))));
  while (!body.empty()) {
    const auto attribute = read<nlattr>(body);
    if (!attribute || attribute->nla_len < sizeof(nlattr) || attribute->nla_len > body.size())
      return fail(ErrorKind::protocol, "sock_diag: an attribute that does not fit");
    if ((attribute->nla_type & NLA_TYPE_MASK) == INET_DIAG_INFO) {
      counted =
          fill_counts(read_counts(body.substr(sizeof(nlattr), attribute->nla_len - sizeof(nlattr))), socket);
    }
    body.remove_prefix(std::min(body.size(), aligned(attribute->nla_len)));
  }
  return counted && socket.peer_port != 0;
}

Result<void> read_message(const nlmsghdr& header, std::string_view body, TcpSockets& into) {
  if (header.nlmsg_type == NLMSG_DONE) {
    into.done = true;
  } else if (header.nlmsg_type == NLMSG_ERROR) {
    const auto error = read<nlmsgerr>(body);
    if (!error) return fail(ErrorKind::protocol, "sock_diag: an error that is too short");
    into.refusal = error->error < 0 && error->error > -4096 ? -error->error : 0;
    into.done = true;
  } else if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
    TcpSocket socket;
    const auto wanted = read_socket(body, socket);
    if (!wanted) return std::unexpected(wanted.error());
    if (*wanted) into.sockets.push_back(socket);
  }
  return {};
}

}  // namespace

std::string make_tcp_dump(IpVersion version, std::uint32_t sequence) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } message{};
  message.header = {.nlmsg_len = sizeof message,
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                    .nlmsg_seq = sequence,
                    .nlmsg_pid = 0};
  message.request.sdiag_family = version == IpVersion::four ? AF_INET : AF_INET6;
  message.request.sdiag_protocol = IPPROTO_TCP;
  message.request.idiag_ext = 1u << (INET_DIAG_INFO - 1);
  message.request.idiag_states = kStates;
  return {reinterpret_cast<const char*>(&message), sizeof message};
}

Result<TcpSockets> parse_tcp_sockets(std::string_view datagram, std::uint32_t sequence) {
  TcpSockets out;
  while (!datagram.empty()) {
    const auto header = read<nlmsghdr>(datagram);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size())
      return fail(ErrorKind::protocol, "sock_diag: a message that does not fit");
    if (header->nlmsg_seq == sequence) {
      const auto body = datagram.substr(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr));
      const auto done = read_message(*header, body, out);
      if (!done) return std::unexpected(done.error());
    }
    datagram.remove_prefix(std::min(datagram.size(), aligned(header->nlmsg_len)));
  }
  return out;
}

std::string print_address(const std::array<std::uint8_t, 16>& address) {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) {
    ::inet_ntop(AF_INET, address.data() + kMapped.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  }
  return text.data();
}

}  // namespace qw::wire
