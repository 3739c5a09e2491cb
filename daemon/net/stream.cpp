#include "daemon/net/stream.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cassert>
#include <cerrno>

#include "daemon/net/socket_deadline.hpp"
#include "daemon/net/socket_error.hpp"
#include "daemon/net/tls_context.hpp"

namespace qw::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

/// A name with more addresses than this is a load balancer; trying them all would leave none a fair share of
/// the time.
constexpr std::size_t kMaxAddresses = 8;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

class Connection final : public Stream {
 public:
  Connection(const asio::any_io_executor& executor, std::shared_ptr<TlsContext> context)
      : socket_(executor), deadline_(socket_), context_(std::move(context)) {}
  ~Connection() override { close(); }

  Task<Result<void>> open(tcp::endpoint to, SteadyTime deadline);
  Task<Result<void>> shake_hands(std::string host, SteadyTime deadline);
  Task<Result<std::size_t>> read_some(std::span<char> into, SteadyTime deadline) override;
  Task<Result<void>> write(std::string_view bytes, SteadyTime deadline) override;
  bool quiet() const override;
  std::string peer() const override { return peer_; }

 private:
  Error failed(const error_code& error, std::string_view while_what);
  void close();

  tcp::socket socket_;
  SocketDeadline deadline_;
  std::shared_ptr<TlsContext> context_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  std::string peer_;
};

/// Asio opens sockets without close-on-exec, which would hand them to every child process (facts, section 3).
Result<void> open_socket(tcp::socket& socket, const tcp& protocol) {
  const int descriptor = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0)
    return std::unexpected(socket_error(error_code(errno, boost::system::system_category())));
  error_code error;
  socket.assign(protocol, descriptor, error);
  if (error) {
    ::close(descriptor);
    return std::unexpected(socket_error(error));
  }
  socket.set_option(tcp::no_delay(true), error);
  return {};
}

Task<Result<void>> Connection::open(tcp::endpoint to, SteadyTime deadline) {
  peer_ = HostPort(to.address().to_string(), to.port()).print();
  auto opened = open_socket(socket_, to.protocol());
  if (!opened) co_return opened;
  if (!deadline_.arm(deadline)) co_return std::unexpected(deadline_error("connecting"));
  auto done = co_await socket_.async_connect(to, kToken);
  const auto& [error] = done;
  deadline_.disarm();
  if (error || deadline_.expired()) co_return std::unexpected(failed(error, "connecting"));
  co_return Result<void>();
}

Task<Result<void>> Connection::shake_hands(std::string host, SteadyTime deadline) {
  auto& context = context_->impl();
  tls_.emplace(socket_, context.context);
  auto prepared = context.prepare(tls_->native_handle(), host);
  if (!prepared) co_return prepared;
  if (!deadline_.arm(deadline)) co_return std::unexpected(deadline_error("shaking hands"));
  auto done = co_await tls_->async_handshake(asio::ssl::stream_base::client, kToken);
  const auto& [error] = done;
  deadline_.disarm();
  if (error || deadline_.expired()) co_return std::unexpected(failed(error, "shaking hands"));
  co_return Result<void>();
}

Task<Result<std::size_t>> Connection::read_some(std::span<char> into, SteadyTime deadline) {
  assert(!into.empty());
  if (!deadline_.arm(deadline)) co_return std::unexpected(deadline_error("reading"));
  error_code error;
  std::size_t count = 0;
  const auto buffer = asio::buffer(into.data(), into.size());
  if (tls_) {
    std::tie(error, count) = co_await tls_->async_read_some(buffer, kToken);
  } else {
    std::tie(error, count) = co_await socket_.async_read_some(buffer, kToken);
  }
  deadline_.disarm();
  if (error || deadline_.expired()) co_return std::unexpected(failed(error, "reading"));
  co_return count;
}

Task<Result<void>> Connection::write(std::string_view bytes, SteadyTime deadline) {
  if (!deadline_.arm(deadline)) co_return std::unexpected(deadline_error("writing"));
  error_code error;
  std::size_t count = 0;
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (!tls_) {
    std::tie(error, count) = co_await asio::async_write(socket_, buffer, kToken);
  } else {
    std::tie(error, count) = co_await asio::async_write(*tls_, buffer, kToken);
    if (error == asio::error::connection_reset || error == asio::error::broken_pipe) {
      // TLS 1.3 lets the peer refuse our certificate after the handshake; its reason then waits to be read.
      char unused = 0;
      std::tie(error, count) = co_await tls_->async_read_some(asio::buffer(&unused, 1), kToken);
      if (!error) error = asio::error::connection_reset;
    }
  }
  deadline_.disarm();
  if (error || deadline_.expired()) co_return std::unexpected(failed(error, "writing"));
  co_return Result<void>();
}

bool Connection::quiet() const {
  if (!socket_.is_open()) return false;
  char unused = 0;
  const auto got =
      ::recv(const_cast<tcp::socket&>(socket_).native_handle(), &unused, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Error Connection::failed(const error_code& error, std::string_view while_what) {
  const bool expired = deadline_.expired();
  const long verdict = tls_ ? SSL_get_verify_result(tls_->native_handle()) : X509_V_OK;
  close();
  if (expired) return deadline_error(while_what);
  return socket_error(error, verdict);
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

/// One attempt at one address.
Task<Result<std::unique_ptr<Stream>>> attempt(asio::any_io_executor executor, tcp::endpoint to,
                                              std::string host, std::shared_ptr<TlsContext> tls,
                                              SteadyTime deadline) {
  auto connection = std::make_unique<Connection>(executor, tls);
  auto opened = co_await connection->open(to, deadline);
  if (!opened) co_return std::unexpected(opened.error());
  if (tls) {
    auto shaken = co_await connection->shake_hands(std::move(host), deadline);
    if (!shaken) co_return std::unexpected(shaken.error());
  }
  co_return std::unique_ptr<Stream>(std::move(connection));
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> Stream::connect(Net& net, HostPort to, std::shared_ptr<TlsContext> tls,
                                                      SteadyTime deadline) {
  auto executor = net.executor();
  auto resolved = co_await net.resolver().resolve(to.host, deadline);
  if (!resolved) co_return std::unexpected(resolved.error());
  const auto& addresses = *resolved;
  const std::size_t count = std::min(addresses.size(), kMaxAddresses);
  Error last(ErrorKind::unreachable, "the name has no address");
  for (std::size_t i = 0; i < count; ++i) {
    const SteadyTime now = std::chrono::steady_clock::now();
    // A mute address must leave time for those after it.
    const SteadyTime share = now + (deadline - now) / static_cast<long>(count - i);
    const tcp::endpoint endpoint(addresses[i], to.port);
    auto connected = co_await attempt(executor, endpoint, to.host, tls, i + 1 == count ? deadline : share);
    if (connected) co_return connected;
    const std::string address = addresses[i].to_string();
    last = address == to.host ? connected.error() : connected.error().within(address);
    if (last.kind() == ErrorKind::canceled) break;
  }
  co_return std::unexpected(last);
}

}  // namespace qw::net
