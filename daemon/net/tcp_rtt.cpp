#include "daemon/net/tcp_rtt.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/net/socket_deadline.hpp"
#include "daemon/net/socket_error.hpp"

namespace qw::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

Error system_error(int number) {
  return socket_error({number, boost::system::system_category()});
}

Result<void> open_socket(tcp::socket& socket, const tcp& protocol) {
  const int descriptor = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (descriptor < 0) return std::unexpected(system_error(errno));
  error_code error;
  socket.assign(protocol, descriptor, error);
  if (!error) return {};
  ::close(descriptor);
  return std::unexpected(socket_error(error));
}

Result<TcpRtt> read_info(tcp::socket& socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return std::unexpected(system_error(errno));
  }
  if (info.tcpi_rtt == 0) return fail(ErrorKind::internal, "the kernel did not time the handshake");
  return TcpRtt{.rtt = std::chrono::microseconds(info.tcpi_rtt),
                .retransmits = info.tcpi_total_retrans,
                .sent = {},
                .received = {}};
}

}  // namespace

Task<Result<TcpRtt>> measure_tcp_rtt(asio::any_io_executor executor, tcp::endpoint to, bool reset,
                                     SteadyTime deadline) {
  tcp::socket socket(executor);
  SocketDeadline limit(socket);
  auto opened = open_socket(socket, to.protocol());
  if (!opened) co_return std::unexpected(opened.error());
  if (!limit.arm(deadline)) co_return std::unexpected(deadline_error("connecting"));
  const SteadyTime sent = std::chrono::steady_clock::now();
  auto connected = co_await socket.async_connect(to, asio::as_tuple(asio::use_awaitable));
  const SteadyTime received = std::chrono::steady_clock::now();
  const auto& [error] = connected;
  limit.disarm();
  if (limit.expired()) co_return std::unexpected(deadline_error("connecting"));
  if (error) co_return std::unexpected(socket_error(error));
  auto measured = read_info(socket);
  if (reset) {
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
  }
  if (measured) {
    measured->sent = sent;
    measured->received = received;
  }
  co_return measured;
}

}  // namespace qw::net
