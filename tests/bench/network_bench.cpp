// What one probe costs in CPU time of the thread that sends it, over loopback: STAMP and ICMP in batches of
// 64 with the kernel's stamps both ways, and TCP handshakes one by one, each beside a bare loop of system
// calls that does no more than it must. The reflector and the listener run in a process of their own.
// build/release/tests/bench/network_bench [probes]
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <vector>

#include "daemon/net/tcp_rtt.hpp"
#include "probes/network/icmp.hpp"
#include "probes/network/packet_lane.hpp"
#include "probes/network/reflector.hpp"
#include "probes/network/stamp.hpp"
#include "probes/wire/icmp.hpp"

namespace qw::probes {
namespace {

using asio::ip::make_address;

constexpr std::size_t kBatch = PacketLane::kBatch;

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

template <class T>
T run(asio::io_context& io, Task<T> task) {
  std::optional<T> out;
  async::TaskGroup tasks(io.get_executor(),
                         [](std::string_view, const std::string& what) { std::puts(what.c_str()); });
  const auto keep = [](Task<T> inner, std::optional<T>* into) -> Task<void> {
    into->emplace(co_await std::move(inner));
  };
  tasks.spawn("bench", keep(std::move(task), &out));
  io.restart();
  io.run();
  return std::move(*out);
}

/// One way, again and again in whole batches; how many came back.
Task<std::size_t> send_batches(PacketLane& lane, PacketWay& way, net::Endpoint to, std::size_t probes) {
  std::size_t received = 0;
  const std::vector<PacketLane::Departure> batch(kBatch, {.way = &way, .to = to, .planned = {}});
  for (std::size_t sent = 0; sent < probes; sent += kBatch) {
    TrainOutcome outcome;
    outcome.train.member = "10.0.0.1";
    outcome.train.method = "stamp";
    way.begin(outcome);
    lane.begin();
    lane.send(batch);
    lane.sending_done();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    co_await lane.receive(deadline);
    way.end(deadline);
    received += outcome.train.received;
  }
  way.outcome = nullptr;
  co_return received;
}

struct Cost {
  double microseconds = 0;
  double answered = 0;
};

Cost measure_packets(std::unique_ptr<PacketMethod> method, net::Endpoint to, std::size_t probes) {
  asio::io_context io(1);
  for (const auto& options : method->sockets(false)) {
    auto opened = net::DatagramSocket::open(io.get_executor(), options);
    if (!opened) continue;
    PacketLane lane(*method, std::move(*opened));
    auto& way = lane.way(to, 1);
    run(io, send_batches(lane, way, to, kBatch * 10));
    const double before = thread_seconds();
    const auto received = run(io, send_batches(lane, way, to, probes));
    const auto count = static_cast<double>((probes + kBatch - 1) / kBatch * kBatch);
    return {.microseconds = (thread_seconds() - before) * 1e6 / count,
            .answered = static_cast<double>(received) / count};
  }
  return {};
}

/// The same packets with nothing but system calls: sendmmsg, epoll_wait, recvmmsg of answers and of stamps.
class BareLoop {
 public:
  BareLoop(int descriptor, sockaddr_in to, std::span<const std::byte> packet)
      : descriptor_(descriptor), to_(to), packet_(packet) {
    const int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
                      SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY |
                      SOF_TIMESTAMPING_OPT_CMSG;
    setsockopt(descriptor_, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN | EPOLLERR, .data = {}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor_, &event);
  }
  ~BareLoop() {
    ::close(poll_);
    ::close(descriptor_);
  }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;

  void batch() {
    prepare(true);
    sendmmsg(descriptor_, messages_.data(), kBatch, MSG_DONTWAIT);
    for (std::size_t answers = 0, stamps = 0; answers < kBatch || stamps < kBatch;) {
      epoll_event event;
      if (epoll_wait(poll_, &event, 1, 100) <= 0) return;
      answers += receive(0);
      stamps += receive(MSG_ERRQUEUE);
    }
  }

 private:
  std::size_t receive(int flags) {
    prepare(false);
    const int count = recvmmsg(descriptor_, messages_.data(), kBatch, flags | MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  void prepare(bool sending) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      blocks_[i] = sending ? iovec{const_cast<std::byte*>(packet_.data()), packet_.size()}
                           : iovec{bytes_[i].data(), bytes_[i].size()};
      auto& header = messages_[i].msg_hdr;
      header = {};
      header.msg_name = sending ? &to_ : &names_[i];
      header.msg_namelen = sizeof to_;
      header.msg_iov = &blocks_[i];
      header.msg_iovlen = 1;
      if (sending) continue;
      header.msg_control = rooms_[i].data();
      header.msg_controllen = rooms_[i].size();
    }
  }

  int descriptor_;
  int poll_ = -1;
  sockaddr_in to_;
  std::span<const std::byte> packet_;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> blocks_{};
  std::array<sockaddr_in, kBatch> names_{};
  std::array<std::array<std::byte, 256>, kBatch> bytes_{};
  alignas(cmsghdr) std::array<std::array<char, 256>, kBatch> rooms_{};
};

Cost measure_bare(int descriptor, std::uint16_t port, std::span<const std::byte> packet, std::size_t probes) {
  if (descriptor < 0) return {};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BareLoop loop(descriptor, to, packet);
  for (int i = 0; i < 10; ++i) loop.batch();
  const double before = thread_seconds();
  for (std::size_t sent = 0; sent < probes; sent += kBatch) loop.batch();
  return {.microseconds = (thread_seconds() - before) * 1e6 / static_cast<double>(probes), .answered = 1};
}

Task<std::size_t> connect_often(asio::any_io_executor executor, std::uint16_t port, std::size_t probes) {
  std::size_t measured = 0;
  for (std::size_t i = 0; i < probes; ++i) {
    const asio::ip::tcp::endpoint to(make_address("127.0.0.1"), port);
    auto rtt = co_await net::measure_tcp_rtt(executor, to, true,
                                             std::chrono::steady_clock::now() + std::chrono::seconds(1));
    measured += rtt ? 1 : 0;
  }
  co_return measured;
}

Cost measure_tcp(std::uint16_t port, std::size_t probes) {
  asio::io_context io(1);
  run(io, connect_often(io.get_executor(), port, 100));
  const double before = thread_seconds();
  const auto measured = run(io, connect_often(io.get_executor(), port, probes));
  return {.microseconds = (thread_seconds() - before) * 1e6 / static_cast<double>(probes),
          .answered = static_cast<double>(measured) / static_cast<double>(probes)};
}

void connect_bare(int poll, std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {}};
  epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static_cast<void>(::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  epoll_wait(poll, &event, 1, 1000);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  tcp_info info{};
  size = sizeof info;
  getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(descriptor);
}

Cost measure_tcp_bare(std::uint16_t port, std::size_t probes) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  const double before = thread_seconds();
  for (std::size_t i = 0; i < probes; ++i) connect_bare(poll, port);
  const double spent = thread_seconds() - before;
  ::close(poll);
  return {.microseconds = spent * 1e6 / static_cast<double>(probes), .answered = 1};
}

struct Peer {
  pid_t process = 0;
  std::uint16_t stamp = 0, tcp = 0;
};

Task<void> accept_all(asio::ip::tcp::acceptor& acceptor) {
  while (true) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.close();
  }
}

Peer start_peer() {
  std::array<int, 2> told{};
  if (::pipe(told.data()) != 0) std::abort();
  Peer peer;
  peer.process = ::fork();
  if (peer.process == 0) {
    asio::io_context io(1);
    auto reflector = Reflector::open(io.get_executor(),
                                     {.listen = {net::Endpoint(make_address("127.0.0.1"), 0)},
                                      .packets_per_second = 1e9,
                                      .packets_per_second_and_source = 1e9},
                                     [] { return wire::ErrorEstimate(); });
    asio::ip::tcp::acceptor acceptor(io, {make_address("127.0.0.1"), 0});
    acceptor.listen(1000);
    peer.stamp = (*reflector)->listening().front().port();
    peer.tcp = acceptor.local_endpoint().port();
    if (::write(told[1], &peer, sizeof peer) < 0) ::_exit(1);
    async::TaskGroup tasks(io.get_executor(), [](std::string_view, const std::string&) {});
    for (auto& task : (*reflector)->tasks()) tasks.spawn("reflector", std::move(task));
    tasks.spawn("accept", accept_all(acceptor));
    io.run();
    ::_exit(0);
  }
  Peer ports;
  if (::read(told[0], &ports, sizeof ports) != sizeof ports) std::abort();
  peer.stamp = ports.stamp;
  peer.tcp = ports.tcp;
  return peer;
}

void print(const char* what, const Cost& ours, const Cost& bare) {
  std::printf(
      "%-6s %8.2f us a probe, bare loop %8.2f us, %5.2f x, %9.0f probes a CPU second, %5.1f %% answered\n",
      what, ours.microseconds, bare.microseconds, ours.microseconds / bare.microseconds,
      1e6 / ours.microseconds, ours.answered * 100);
}

int bench(std::size_t probes) {
  const auto peer = start_peer();
  const auto loopback = make_address("127.0.0.1");
  const auto stamp = wire::write_stamp_request({.sequence = 1});
  print("stamp", measure_packets(make_stamp(), {loopback, peer.stamp}, probes),
        measure_bare(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), peer.stamp, stamp, probes));
  std::array<std::byte, 24> echo{};
  wire::write_echo_request({.id = 1, .sequence = 1, .payload = std::span(echo).first(16)}, false, echo);
  int icmp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (icmp < 0) std::puts("icmp: no datagram socket for this group: set net.ipv4.ping_group_range");
  if (icmp >= 0)
    print("icmp", measure_packets(make_icmp(), {loopback, 0}, probes), measure_bare(icmp, 0, echo, probes));
  print("tcp", measure_tcp(peer.tcp, probes / 20), measure_tcp_bare(peer.tcp, probes / 20));
  ::kill(peer.process, SIGKILL);
  ::waitpid(peer.process, nullptr, 0);
  return 0;
}

}  // namespace
}  // namespace qw::probes

int main(int count, char** words) {
  return qw::probes::bench(count > 1 ? static_cast<std::size_t>(std::atol(words[1])) : 200'000);
}
