#include "probes/network/retransmits.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <optional>

namespace qw::probes {
namespace {

constexpr MetricFamily kRetransmits{
    .name = "quorumwatch_tcp_retransmits_total",
    .type = MetricType::counter,
    .help =
        "TCP segments that this machine sent again to a peer, lost SYNs and connections that are closed by "
        "now included; a peer that gets a line of its own starts at 0.",
    .labels = "peer port_class"};
constexpr MetricFamily kSegments{.name = "quorumwatch_tcp_segments_sent_total",
                                 .type = MetricType::counter,
                                 .help =
                                     "TCP segments that this machine sent to a peer, those that were sent "
                                     "again included.",
                                 .labels = "peer port_class"};
constexpr MetricFamily kSockets{
    .name = "quorumwatch_tcp_sockets",
    .type = MetricType::gauge,
    .help = "TCP connections of this machine with a peer that are open or opening.",
    .labels = "peer port_class"};
constexpr MetricFamily kMinRtt{
    .name = "quorumwatch_tcp_min_rtt_seconds",
    .type = MetricType::gauge,
    .help =
        "The shortest round trip that the kernel has seen in the last minutes on an open connection with "
        "the peer.",
    .labels = "peer port_class"};
constexpr MetricFamily kLost{
    .name = "quorumwatch_tcp_close_reports_lost_total",
    .type = MetricType::counter,
    .help =
        "Times that the kernel could not tell of closed connections, because they closed faster than we "
        "read; what those did since the last round is not counted.",
    .labels = ""};

/// SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY.
constexpr std::array<int, 2> kDestroyGroups{SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY};
/// The kernel fills at most 32 KiB at a time.
constexpr std::size_t kBuffer = 64 * 1024;
/// For reports that come while the loop is busy; the kernel gives as much of it as rmem_max allows.
constexpr int kReceiveBuffer = 4 * 1024 * 1024;
/// Datagrams that are taken in one go: less than 1 ms of the loop.
constexpr unsigned kDumpBatch = 8;
constexpr unsigned kReportBatch = 256;
/// Between two goes, so that a machine that closes thousands of connections a second does not wake us for
/// each.
constexpr auto kReportPause = std::chrono::milliseconds(5);

enum class Got : std::uint8_t { datagram, nothing, overrun, failed };

std::string errno_text(int error) {
  return std::strerror(error);
}

/// What the kernel refuses, and what would help.
Error refused(int error) {
  if (error == ENOENT || error == EPROTONOSUPPORT)
    return {ErrorKind::rejected,
            "sock_diag: the kernel does not list TCP sockets: load its module tcp_diag (modprobe tcp_diag)"};
  if (error == EACCES || error == EPERM || error == EAFNOSUPPORT)
    return {ErrorKind::rejected,
            fmt::format("sock_diag: {}: allow sockets of the family AF_NETLINK (systemd: "
                        "RestrictAddressFamilies=; containers: the seccomp profile)",
                        errno_text(error))};
  return {ErrorKind::internal, fmt::format("sock_diag: {}", errno_text(error))};
}

}  // namespace

struct Retransmits::Impl : std::enable_shared_from_this<Retransmits::Impl> {
  Impl(const asio::any_io_executor& executor, const Clock& clock_, RetransmitsLedger::Limits limits,
       const RetransmitsLedger::PortSystems& systems_)
      : clock(clock_),
        dump(executor),
        reports(executor),
        pause(executor),
        ledger(limits),
        systems(systems_) {}

  Result<void> open();
  Task<Result<void>> look(SteadyTime deadline);
  Task<Result<void>> dump_version(wire::IpVersion version, SteadyTime deadline);
  Task<Result<void>> read_dump(SteadyTime deadline);
  Result<bool> take_dump();
  void await_reports();
  void take_reports();
  Got receive(int descriptor);
  void close();

  const Clock& clock;
  asio::posix::stream_descriptor dump;
  asio::posix::stream_descriptor reports;
  asio::steady_timer pause;
  RetransmitsLedger ledger;
  const RetransmitsLedger::PortSystems& systems;
  std::uint32_t sequence = 0;
  std::uint64_t lost = 0;
  bool looked = false;
  std::string buffer = std::string(kBuffer, '\0');
  std::size_t received = 0;
};

namespace {

Result<int> open_netlink() {
  const int descriptor = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  if (descriptor < 0) return std::unexpected(refused(errno));
  return descriptor;
}

Result<void> subscribe(int descriptor) {
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  sockaddr_nl any{};
  any.nl_family = AF_NETLINK;
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
    return std::unexpected(refused(errno));
  for (const int group : kDestroyGroups) {
    if (::setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      return std::unexpected(refused(errno));
  }
  return {};
}

}  // namespace

/// The reports first: what closes between the two is then in one of them.
Result<void> Retransmits::Impl::open() {
  if (reports.is_open()) return {};
  const auto first = open_netlink();
  if (!first) return std::unexpected(first.error());
  reports.assign(*first);
  const auto subscribed = subscribe(*first);
  if (!subscribed) {
    close();
    return subscribed;
  }
  const auto second = open_netlink();
  if (!second) {
    close();
    return std::unexpected(second.error());
  }
  dump.assign(*second);
  await_reports();
  return {};
}

void Retransmits::Impl::close() {
  boost::system::error_code ignored;
  dump.close(ignored);
  reports.close(ignored);
  pause.cancel();
}

Task<Result<void>> Retransmits::Impl::look(SteadyTime deadline) {
  const auto opened = open();
  if (!opened) co_return opened;
  // What has closed before the look can then not be in it.
  take_reports();
  ledger.begin_look();
  for (const auto version : {wire::IpVersion::four, wire::IpVersion::six}) {
    const auto dumped = co_await dump_version(version, deadline);
    if (!dumped) co_return dumped;
  }
  take_reports();
  ledger.end_look(clock.steady());
  looked = true;
  co_return Result<void>();
}

Task<Result<void>> Retransmits::Impl::dump_version(wire::IpVersion version, SteadyTime deadline) {
  if (++sequence == 0) ++sequence;  // 0 is of the reports
  const auto question = wire::make_tcp_dump(version, sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto sent = ::sendto(dump.native_handle(), question.data(), question.size(), 0,
                             reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  if (sent < 0) {
    // An answer that nobody took is in the way (EBUSY): a new socket has none.
    const auto error = refused(errno);
    close();
    co_return std::unexpected(error);
  }
  auto done = co_await async::with_deadline(read_dump(deadline), deadline);
  if (!done) close();
  co_return done;
}

Task<Result<void>> Retransmits::Impl::read_dump(SteadyTime deadline) {
  while (clock.steady() < deadline) {
    auto waited = co_await dump.async_wait(asio::posix::stream_descriptor::wait_read,
                                           asio::as_tuple(asio::use_awaitable));
    if (const auto& [error] = waited; error) co_return fail(ErrorKind::canceled, "sock_diag: canceled");
    const auto done = take_dump();
    if (!done) co_return std::unexpected(done.error());
    if (*done) co_return Result<void>();
  }
  co_return fail(ErrorKind::timeout, "sock_diag: deadline exceeded");
}

/// A batch of what is there; whether it was the last.
Result<bool> Retransmits::Impl::take_dump() {
  for (unsigned i = 0; i < kDumpBatch; ++i) {
    const auto got = receive(dump.native_handle());
    if (got == Got::nothing) return false;
    if (got != Got::datagram) return std::unexpected(refused(errno));
    const auto sockets = wire::parse_tcp_sockets({buffer.data(), received}, sequence);
    if (!sockets) return std::unexpected(sockets.error());
    if (sockets->refusal != 0) return std::unexpected(refused(sockets->refusal));
    for (const auto& socket : sockets->sockets) ledger.open(socket, systems);
    if (sockets->done) return true;
  }
  return false;
}

void Retransmits::Impl::await_reports() {
  reports.async_wait(asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (error || !self || !self->reports.is_open()) return;
                       self->take_reports();
                       self->pause.expires_after(kReportPause);
                       self->pause.async_wait([weak](const boost::system::error_code& stopped) {
                         const auto again = weak.lock();
                         if (!stopped && again && again->reports.is_open()) again->await_reports();
                       });
                     });
}

void Retransmits::Impl::take_reports() {
  for (unsigned i = 0; i < kReportBatch; ++i) {
    const auto got = receive(reports.native_handle());
    if (got == Got::overrun) ++lost;
    if (got == Got::nothing || got == Got::failed) return;
    if (got != Got::datagram) continue;
    const auto sockets = wire::parse_tcp_sockets({buffer.data(), received}, 0);
    if (!sockets) continue;  // from the kernel itself: one that we do not know the shape of tells us nothing
    for (const auto& socket : sockets->sockets) ledger.closed(socket, systems);
  }
}

Got Retransmits::Impl::receive(int descriptor) {
  sockaddr_nl from{};
  socklen_t size = sizeof from;
  const auto count =
      ::recvfrom(descriptor, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return Got::nothing;
    return errno == ENOBUFS ? Got::overrun : Got::failed;
  }
  // Any process may send to a netlink socket; only the kernel is number 0.
  received = from.nl_pid == 0 ? static_cast<std::size_t>(count) : 0;
  return Got::datagram;
}

Retransmits::Retransmits(asio::any_io_executor executor, const Clock& clock, RetransmitsLedger::Limits limits,
                         const RetransmitsLedger::PortSystems& systems)
    : impl_(std::make_shared<Impl>(std::move(executor), clock, limits, systems)) {}

Retransmits::~Retransmits() {
  impl_->close();
}

Task<Result<void>> Retransmits::look(SteadyTime deadline) {
  return impl_->look(deadline);
}

void Retransmits::append_readings(std::vector<Reading>& out) const {
  if (!impl_->looked) return;
  for (const auto& line : impl_->ledger.lines()) {
    const std::vector<std::pair<std::string, std::string>> labels{{"peer", line.peer},
                                                                  {"port_class", line.port_class}};
    const auto add = [&](const MetricFamily& family, double value) {
      out.push_back({&family, labels, value});
    };
    add(kRetransmits, static_cast<double>(line.retransmits));
    add(kSegments, static_cast<double>(line.segments));
    add(kSockets, static_cast<double>(line.sockets));
    if (line.min_rtt_us) add(kMinRtt, *line.min_rtt_us * 1e-6);
  }
  out.push_back({&kLost, {}, static_cast<double>(impl_->lost)});
}

std::span<const MetricFamily* const> Retransmits::families() {
  static constexpr std::array<const MetricFamily*, 5> kFamilies{&kRetransmits, &kSegments, &kSockets,
                                                                &kMinRtt, &kLost};
  return kFamilies;
}

}  // namespace qw::probes
