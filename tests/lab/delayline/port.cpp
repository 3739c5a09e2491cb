#include "tests/lab/delayline/port.hpp"

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qw::lab {
namespace {

/// TCP hands over up to 64 KiB as one frame, to be cut later.
constexpr std::size_t kLargestFrame = Frame::kHeader + 14 + 65'536 + 64;
constexpr int kBuffer = 4 * 1024 * 1024;
constexpr std::uint32_t kStamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
                                  SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                                  SOF_TIMESTAMPING_OPT_TSONLY;

Error errno_error(std::string_view what) {
  return {ErrorKind::internal, fmt::format("{}: {}", what, std::strerror(errno))};
}

bool set(int descriptor, int level, int name, int value) {
  return ::setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

Nanoseconds now_realtime() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

struct Control {
  std::optional<Nanoseconds> stamp;
  std::optional<std::uint32_t> number;
};

Control read_control(msghdr& message) {
  Control control;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPING) {
      scm_timestamping stamps{};
      std::memcpy(&stamps, CMSG_DATA(part), sizeof stamps);
      if (stamps.ts[0].tv_sec != 0)
        control.stamp = std::chrono::seconds(stamps.ts[0].tv_sec) + Nanoseconds(stamps.ts[0].tv_nsec);
    } else if (part->cmsg_level == SOL_PACKET && part->cmsg_type == PACKET_TX_TIMESTAMP) {
      sock_extended_err error{};
      std::memcpy(&error, CMSG_DATA(part), sizeof error);
      control.number = error.ee_data;
    }
  }
  return control;
}

Result<void> set_up(int descriptor, const std::string& interface) {
  const unsigned index = ::if_nametoindex(interface.c_str());
  if (index == 0) return std::unexpected(errno_error("no such interface"));
  set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, kBuffer);
  set(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, kBuffer);
  if (!set(descriptor, SOL_PACKET, PACKET_VNET_HDR, 1) ||
      !set(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) ||
      !set(descriptor, SOL_SOCKET, SO_TIMESTAMPING, static_cast<int>(kStamps)))
    return std::unexpected(errno_error("setsockopt"));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(errno_error("bind"));
  return {};
}

}  // namespace

std::uint64_t Frame::address(std::size_t at) const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 6; ++i) value = value << 8 | bytes[kHeader + at + i];
  return value;
}

Result<std::unique_ptr<Port>> Port::open(const std::string& interface) {
  const int descriptor = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return std::unexpected(errno_error("socket").within(interface));
  std::unique_ptr<Port> port(new Port(descriptor, interface));
  const auto done = set_up(descriptor, interface);
  if (!done) return std::unexpected(done.error().within(interface));
  return port;
}

Port::Port(int descriptor, std::string interface)
    : descriptor_(descriptor), interface_(std::move(interface)), buffer_(kLargestFrame) {}

Port::~Port() {
  ::close(descriptor_);
}

std::optional<Frame> Port::receive() {
  while (true) {
    std::array<char, 256> control{};
    iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto count = ::recvmsg(descriptor_, &message, MSG_DONTWAIT);
    if (count < 0) return std::nullopt;
    if (static_cast<std::size_t>(count) < Frame::kHeader + 14 || (message.msg_flags & MSG_TRUNC) != 0)
      continue;
    Frame frame;
    frame.bytes.assign(buffer_.begin(), buffer_.begin() + count);
    frame.arrived = read_control(message).stamp.value_or(now_realtime());
    return frame;
  }
}

std::optional<std::uint32_t> Port::send(const Frame& frame) {
  const auto count = ::send(descriptor_, frame.bytes.data(), frame.bytes.size(), MSG_DONTWAIT);
  if (count < 0) return std::nullopt;
  return sent_++;
}

std::optional<Port::Left> Port::left() {
  while (true) {
    std::array<char, 512> control{};
    msghdr message{};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(descriptor_, &message, MSG_DONTWAIT | MSG_ERRQUEUE) < 0) return std::nullopt;
    const auto told = read_control(message);
    if (told.number && told.stamp) return Left{.number = *told.number, .at = *told.stamp};
  }
}

}  // namespace qw::lab
