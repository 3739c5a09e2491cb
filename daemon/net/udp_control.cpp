#include "daemon/net/udp_control.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>

#include <cstring>

namespace qw::net {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

/// The kernel's own layout, whatever the alignment of the buffer.
template <class T>
std::optional<T> content(const cmsghdr* message) {
  if (message->cmsg_len < CMSG_LEN(sizeof(T))) return std::nullopt;
  T out;
  std::memcpy(&out, CMSG_DATA(const_cast<cmsghdr*>(message)), sizeof out);
  return out;
}

void read_stamp(const cmsghdr* message, ControlFacts& out) {
  // [0] is the kernel's clock; a network card's own ([2]) is another clock and never mixed with it.
  struct Stamps {
    timespec of[3];
  };
  const auto stamps = content<Stamps>(message);
  if (!stamps || (stamps->of[0].tv_sec == 0 && stamps->of[0].tv_nsec == 0)) return;
  out.stamp =
      WallTime(std::chrono::seconds(stamps->of[0].tv_sec) + std::chrono::nanoseconds(stamps->of[0].tv_nsec));
}

void read_error(const cmsghdr* message, ControlFacts& out) {
  const auto error = content<sock_extended_err>(message);
  if (!error) return;
  if (error->ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
    if (error->ee_info == SCM_TSTAMP_SND) out.stamp_id = error->ee_data;
  } else {
    out.undelivered = static_cast<int>(error->ee_errno);
  }
}

void read_ttl(const cmsghdr* message, ControlFacts& out) {
  if (const auto ttl = content<int>(message)) out.ttl = static_cast<std::uint8_t>(*ttl);
}

void read_ip(const cmsghdr* message, ControlFacts& out) {
  if (message->cmsg_type == IP_TTL) {
    read_ttl(message, out);
  } else if (message->cmsg_type == IP_RECVERR) {
    read_error(message, out);
  } else if (message->cmsg_type == IP_PKTINFO) {
    if (const auto info = content<in_pktinfo>(message)) out.to = address_v4(ntohl(info->ipi_addr.s_addr));
  }
}

void read_ipv6(const cmsghdr* message, ControlFacts& out) {
  if (message->cmsg_type == IPV6_HOPLIMIT) {
    read_ttl(message, out);
  } else if (message->cmsg_type == IPV6_RECVERR) {
    read_error(message, out);
  } else if (message->cmsg_type == IPV6_PKTINFO) {
    if (const auto info = content<in6_pktinfo>(message)) {
      address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &info->ipi6_addr, bytes.size());
      // A link-local address means nothing without its link.
      out.to = address_v6(bytes, address_v6(bytes).is_link_local() ? info->ipi6_ifindex : 0);
    }
  }
}

template <class Info>
void put(int level, int type, const Info& info, ControlRoom& room, msghdr& header) {
  header.msg_control = room.data();
  header.msg_controllen = CMSG_SPACE(sizeof info);
  auto* message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(message), &info, sizeof info);
}

}  // namespace

ControlFacts read_control(msghdr& header) {
  ControlFacts out;
  for (auto* message = CMSG_FIRSTHDR(&header); message != nullptr; message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level == SOL_SOCKET && message->cmsg_type == SCM_TIMESTAMPING) {
      read_stamp(message, out);
    } else if (message->cmsg_level == SOL_IP) {
      read_ip(message, out);
    } else if (message->cmsg_level == SOL_IPV6) {
      read_ipv6(message, out);
    }
  }
  return out;
}

void leave_from(const address& from, ControlRoom& room, msghdr& header) {
  if (from.is_v4()) {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(from.to_v4().to_uint());
    put(SOL_IP, IP_PKTINFO, info, room, header);
  } else {
    in6_pktinfo info{};
    const auto bytes = from.to_v6().to_bytes();
    std::memcpy(&info.ipi6_addr, bytes.data(), bytes.size());
    info.ipi6_ifindex = static_cast<unsigned>(from.to_v6().scope_id());
    put(SOL_IPV6, IPV6_PKTINFO, info, room, header);
  }
}

}  // namespace qw::net
