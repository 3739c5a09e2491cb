#include "daemon/net/udp.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "daemon/net/socket_error.hpp"
#include "daemon/net/udp_control.hpp"
#include "daemon/net/udp_open.hpp"

namespace qw::net {
namespace {

using boost::system::error_code;

constexpr std::size_t kBatch = 64;
/// Transmit stamps and reports taken at once; a socket that sends in batches has as many as it has sent.
constexpr std::size_t kMostStamps = 1024;

/// The room of one batch, used again and again. What the kernel changes in a message is set anew before each
/// use.
class Batch {
 public:
  explicit Batch(std::size_t bytes_each) : bytes_each_(bytes_each), bytes_(kBatch * bytes_each) {
    for (std::size_t i = 0; i < kBatch; ++i) blocks_[i] = {bytes_.data() + i * bytes_each, bytes_each};
  }

  /// How many messages the kernel handed over; -1 and errno where it handed over none.
  int receive(int descriptor, int flags) {
    for (std::size_t i = 0; i < dirty_; ++i) clean(i);
    const int count = ::recvmmsg(descriptor, messages_.data(), kBatch, flags | MSG_DONTWAIT, nullptr);
    dirty_ = count > 0 ? static_cast<std::size_t>(count) : std::max(dirty_, std::size_t(1));
    return count;
  }

  msghdr& header(std::size_t i) { return messages_[i].msg_hdr; }
  bool cut(std::size_t i) const { return (messages_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0; }
  Bytes bytes(std::size_t i) const {
    return {bytes_.data() + i * bytes_each_, std::min<std::size_t>(messages_[i].msg_len, bytes_each_)};
  }
  Endpoint name(std::size_t i) const {
    Endpoint out;
    const std::size_t size = messages_[i].msg_hdr.msg_namelen;
    if (size > out.capacity()) return out;
    std::memcpy(out.data(), &names_[i], size);
    if (size > 0) out.resize(size);
    return out;
  }

 private:
  void clean(std::size_t i) {
    messages_[i].msg_hdr = {.msg_name = &names_[i],
                            .msg_namelen = sizeof names_[i],
                            .msg_iov = &blocks_[i],
                            .msg_iovlen = 1,
                            .msg_control = rooms_[i].data(),
                            .msg_controllen = rooms_[i].size(),
                            .msg_flags = 0};
  }

  std::size_t bytes_each_;
  std::vector<std::byte> bytes_;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> blocks_{};
  std::array<sockaddr_storage, kBatch> names_{};
  alignas(cmsghdr) std::array<ControlRoom, kBatch> rooms_{};
  std::size_t dirty_ = kBatch;  ///< messages that the kernel may have changed, from the first on
};

}  // namespace

struct DatagramSocket::Impl {
  Impl(asio::any_io_executor executor, DatagramOptions options_)
      : options(std::move(options_)),
        descriptor(executor),
        watch(std::make_shared<Watch>()),
        timer(executor) {
    watch->impl = this;
  }
  ~Impl() { watch->impl = nullptr; }

  int number() { return descriptor.native_handle(); }
  std::size_t hand_over(std::span<const Outgoing> packets);
  void recover();
  void take_errors();
  void take_error(Batch& batch, std::size_t i);

  /// Shared with the timer's handler, which may be queued still when everything else is gone.
  struct Watch {
    Impl* impl = nullptr;
    std::uint64_t turn = 0;
    bool expired = false;
    bool woken = false;
  };

  DatagramOptions options;
  asio::posix::stream_descriptor descriptor;
  std::shared_ptr<Watch> watch;
  asio::steady_timer timer;

  Batch data{options.largest_datagram};
  Batch errors{1};
  std::array<mmsghdr, kBatch> outgoing{};
  std::array<iovec, kBatch> outgoing_blocks{};
  alignas(cmsghdr) std::array<ControlRoom, kBatch> outgoing_rooms{};

  std::vector<Datagram> datagrams;
  std::vector<TransmitStamp> stamps;
  std::vector<Undelivered> undelivered;
  bool taken = true;  ///< the caller has seen all that is in the two lists before
  SteadyTime empty_at;

  std::uint32_t next_id = 0;       ///< of the next packet, as callers count
  std::uint32_t restarted_at = 0;  ///< the packet that the kernel counts as 0
  WallTime restarted;              ///< stamps of before count differently
};

DatagramSocket::DatagramSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DatagramSocket::~DatagramSocket() = default;

Result<std::unique_ptr<DatagramSocket>> DatagramSocket::open(asio::any_io_executor executor,
                                                             DatagramOptions options) {
  assert(options.largest_datagram > 0);
  auto opened = open_datagram(options);
  if (!opened) return std::unexpected(opened.error());
  auto impl = std::make_unique<Impl>(std::move(executor), std::move(options));
  error_code error;
  impl->descriptor.assign(*opened, error);
  if (error) {
    ::close(*opened);
    return std::unexpected(socket_error(error));
  }
  impl->empty_at = std::chrono::steady_clock::now();
  return std::unique_ptr<DatagramSocket>(new DatagramSocket(std::move(impl)));
}

Endpoint DatagramSocket::local() const {
  Endpoint out;
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(impl_->number(), reinterpret_cast<sockaddr*>(&name), &size) != 0) return out;
  if (size > out.capacity()) return out;
  std::memcpy(out.data(), &name, size);
  out.resize(size);
  return out;
}

const DatagramOptions& DatagramSocket::options() const {
  return impl_->options;
}

Sent DatagramSocket::send(std::span<const Outgoing> packets) {
  auto& self = *impl_;
  Sent sent{.first_id = self.next_id, .count = 0, .before = read_clocks(), .after = {}};
  bool again = false;
  while (sent.count < packets.size()) {
    const std::size_t count = self.hand_over(packets.subspan(sent.count));
    sent.count += count;
    self.next_id += static_cast<std::uint32_t>(count);
    if (count > 0) {
      again = false;
      continue;
    }
    const int number = errno;
    self.recover();
    // The first refusal may be about an earlier packet, whose report the kernel gives to whoever sends next.
    if (again || number == EAGAIN) {
      sent.error = socket_error({number, boost::system::system_category()});
      break;
    }
    again = true;
  }
  sent.after = read_clocks();
  return sent;
}

/// How many of the first 64 the kernel took; 0 and errno when it refused the first.
std::size_t DatagramSocket::Impl::hand_over(std::span<const Outgoing> packets) {
  const std::size_t size = std::min(packets.size(), kBatch);
  for (std::size_t i = 0; i < size; ++i) {
    const auto& packet = packets[i];
    outgoing_blocks[i] = {const_cast<std::byte*>(packet.bytes.data()), packet.bytes.size()};
    msghdr& header = outgoing[i].msg_hdr;
    header = {};
    header.msg_iov = &outgoing_blocks[i];
    header.msg_iovlen = 1;
    if (!options.connect) {
      header.msg_name = const_cast<Endpoint&>(packet.to).data();
      header.msg_namelen = static_cast<socklen_t>(packet.to.size());
    }
    if (packet.from) leave_from(*packet.from, outgoing_rooms[i], header);
  }
  const int count =
      ::sendmmsg(number(), outgoing.data(), static_cast<unsigned>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

/// After a refusal nobody knows whether the kernel has numbered the packet, so the numbers start again.
void DatagramSocket::Impl::recover() {
  if (!options.transmit_stamps) return;
  take_errors();
  restart_stamp_ids(number(), options);
  restarted_at = next_id;
  restarted = read_clocks().wall;
}

Task<Result<void>> DatagramSocket::wait(SteadyTime deadline) {
  auto& self = *impl_;
  const auto watch = self.watch;
  watch->expired = watch->woken = false;
  if (deadline != SteadyTime::max()) {
    if (std::chrono::steady_clock::now() >= deadline)
      co_return std::unexpected(deadline_error("waiting for a packet"));
    self.timer.expires_at(deadline);
    self.timer.async_wait([watch, turn = watch->turn](const error_code& error) {
      if (error || watch->impl == nullptr || watch->turn != turn) return;
      watch->expired = true;
      error_code ignored;
      watch->impl->descriptor.cancel(ignored);
    });
  }
  // Readable also means an error queue that is not empty.
  auto waited = co_await self.descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                                    asio::as_tuple(asio::use_awaitable));
  const auto& [error] = waited;
  if (watch->impl == nullptr) co_return fail(ErrorKind::canceled, "canceled");
  ++watch->turn;
  if (deadline != SteadyTime::max()) self.timer.cancel();
  if (!error || watch->woken) co_return Result<void>();
  if (watch->expired) co_return std::unexpected(deadline_error("waiting for a packet"));
  co_return std::unexpected(socket_error(error));
}

void DatagramSocket::wake() {
  impl_->watch->woken = true;
  error_code ignored;
  impl_->descriptor.cancel(ignored);
}

void DatagramSocket::close() {
  error_code ignored;
  impl_->descriptor.close(ignored);
}

Arrivals DatagramSocket::take() {
  auto& self = *impl_;
  self.datagrams.clear();
  if (self.taken) {
    self.stamps.clear();
    self.undelivered.clear();
  }
  // Answers first: by then the stamps of their questions are all in the error queue.
  int count = self.data.receive(self.number(), 0);
  // An error here is the report of an earlier packet, which the error queue has too, and it hides what came.
  for (int i = 0; count < 0 && errno != EAGAIN && i < 3; ++i) count = self.data.receive(self.number(), 0);
  const Instant read = read_clocks();
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto facts = read_control(self.data.header(at));
    self.datagrams.push_back({.from = self.data.name(at),
                              .bytes = self.data.bytes(at),
                              .cut = self.data.cut(at),
                              .arrival = {.kernel = facts.stamp, .read = read, .empty_at = self.empty_at},
                              .ttl = facts.ttl,
                              .to = facts.to});
  }
  const bool more = count == static_cast<int>(kBatch);
  if (!more) self.empty_at = read.steady;
  self.take_errors();
  self.taken = true;
  return {
      .transmitted = self.stamps, .datagrams = self.datagrams, .undelivered = self.undelivered, .more = more};
}

std::span<const TransmitStamp> DatagramSocket::take_transmitted() {
  auto& self = *impl_;
  if (self.taken) {
    self.stamps.clear();
    self.undelivered.clear();
  }
  self.take_errors();
  self.taken = true;
  return self.stamps;
}

/// Empties the error queue into the lists that the next take() hands out.
void DatagramSocket::Impl::take_errors() {
  taken = false;
  for (std::size_t seen = 0; seen < kMostStamps; seen += kBatch) {
    const int count = errors.receive(number(), MSG_ERRQUEUE);
    for (int i = 0; i < count; ++i) take_error(errors, static_cast<std::size_t>(i));
    if (count < static_cast<int>(kBatch)) return;
  }
}

void DatagramSocket::Impl::take_error(Batch& batch, std::size_t i) {
  const auto facts = read_control(batch.header(i));
  if (facts.stamp_id && facts.stamp && *facts.stamp >= restarted) {
    if (stamps.size() < kMostStamps)
      stamps.push_back({.id = restarted_at + *facts.stamp_id, .at = *facts.stamp});
  } else if (facts.undelivered && undelivered.size() < kBatch) {
    undelivered.push_back(
        {.to = batch.name(i), .error = socket_error({*facts.undelivered, boost::system::system_category()})});
  }
}

}  // namespace qw::net
