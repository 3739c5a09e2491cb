// The HTTP server on the loop; all of Beast's server side is compiled here. Every client is in one of the
// queues of http_server_queue.hpp, and one task closes those whose time is over: an idle daemon sets no
// timers.
#include "daemon/net/http_server.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <ctime>
#include <list>
#include <optional>

#include "daemon/base/text.hpp"
#include "daemon/net/http_server_queue.hpp"
#include "daemon/net/http_server_tls.hpp"

namespace qw::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

/// How much of a reply is handed to the kernel in one turn of the loop.
constexpr std::size_t kSlice = 128 << 10;
/// What the kernel keeps for a client that reads slowly. With the kernel's own sizing, a scrape beside a
/// thousand slow readers of 16 MiB waited 4.2 s; with this one it stays under the 3 s that the test demands.
constexpr int kSendBuffer = 256 << 10;
/// What a client that was refused may still send before its connection is reset.
constexpr std::size_t kMaxDrained = 256 << 10;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

/// Descriptors kept back, so that when all others are gone a scrape can still be answered (it also reads
/// /proc).
class Reserve {
 public:
  Reserve() { refill(); }
  ~Reserve() {
    while (release()) {
    }
  }
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  bool release() {
    if (held_ == 0) return false;
    ::close(descriptors_[--held_]);
    return true;
  }
  void refill() {
    while (held_ < descriptors_.size()) {
      const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (descriptor < 0) return;
      descriptors_[held_++] = descriptor;
    }
  }

 private:
  std::array<int, 4> descriptors_{};
  std::size_t held_ = 0;
};

/// Asio opens sockets that a child process would inherit.
void close_on_exec(int descriptor) {
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

bool is_out_of_descriptors(const error_code& error) {
  return error == asio::error::no_descriptors ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == asio::error::no_buffer_space || error == asio::error::no_memory;
}

ServerReply plain_reply(unsigned status, std::string_view text) {
  ServerReply reply;
  reply.status = status;
  reply.body = std::make_shared<const std::string>(text);
  return reply;
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text;
  // The daemon never calls setlocale, so the names are English.
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto code = text.size() - i > 2 ? parse_hex_uint64(text.substr(i + 1, 2)) : std::nullopt;
    if (!code) return std::nullopt;
    out += static_cast<char>(*code);
    i += 2;
  }
  return out;
}

/// Splits "/path?query" or "http://host/path?query"; false when it is neither.
bool set_target(ServerRequest& request, std::string_view target) {
  if (const auto scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
    if (target.empty()) target = "/";
  }
  if (!target.starts_with('/')) return false;
  const auto mark = std::min(target.find('?'), target.size());
  auto path = percent_decoded(target.substr(0, mark));
  if (!path) return false;
  request.path = std::move(*path);
  request.query = target.substr(std::min(mark + 1, target.size()));
  return true;
}

std::string ip_of(const tcp::socket& socket) {
  error_code error;
  const auto address = socket.remote_endpoint(error).address();
  if (error) return {};
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

using Parser = http::request_parser<http::string_body>;

/// The reply to a request that could not be read; nothing when the client just went away.
std::optional<ServerReply> reply_to_bad_request(const error_code& error, const Parser& parser) {
  if (error.category() != http::make_error_code(http::error::bad_method).category()) return std::nullopt;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error == http::error::header_limit) return plain_reply(431, "request header too large\n");
  if (error == http::error::body_limit) return plain_reply(413, "request body too large\n");
  if (error == http::error::buffer_overflow) {
    return parser.is_header_done() ? plain_reply(413, "request body too large\n")
                                   : plain_reply(431, "request header too large\n");
  }
  return plain_reply(400, "bad request\n");
}

bool is_plain_http(const error_code& error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

}  // namespace

/// Shared by the server and its tasks: a task may outlive the server when the loop is torn down.
struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(asio::any_io_executor executor_, Handler handler_, Limits limits_, async::TaskGroup::OnBug on_bug_);

  struct Client;

  void admit(tcp::socket socket);
  bool make_room();
  void move(Client& client, ClientPhase to);
  void close(Client& client);
  void close_all(ClientPhase phase);
  void close_listeners();
  void begin_stop();

  asio::any_io_executor executor;
  Handler handler;
  Limits limits;
  async::TaskGroup::OnBug on_bug;
  ClientQueues clients;
  Stats stats;
  Reserve reserve;
  std::list<tcp::acceptor> acceptors;
  std::shared_ptr<ssl::context> tls;  // null: plain HTTP
  asio::steady_timer wake;            // of enforce_deadlines()
  bool watching = false;
  bool stopping = false;
  async::TaskGroup tasks;
};

using Server = HttpServer::Impl;

/// One connection. It is in the queues from its construction until it is closed.
struct HttpServer::Impl::Client : ClientQueues::Client {
  Client(std::shared_ptr<Impl> server_, tcp::socket socket_)
      : server(std::move(server_)), socket(std::move(socket_)), ip(ip_of(socket)) {
    server->move(*this, ClientPhase::fresh);
  }
  ~Client() {
    server->close(*this);
    server->reserve.refill();
    if (server->stopping) server->wake.cancel();
  }
  bool gone() const { return phase() == ClientPhase::gone; }

  std::shared_ptr<Impl> server;
  tcp::socket socket;
  std::string ip;
  std::shared_ptr<ServerStream> stream;  ///< that it is being sent; null: none
};

namespace {

using Client = Server::Client;

ClientQueues::Times times_of(const HttpServer::Limits& limits) {
  ClientQueues::Times times;
  times.request = limits.header_timeout;
  times.kept = limits.idle_timeout;
  times.writing = limits.write_timeout;
  return times;
}

/// Closes clients whose time is over, until the server stops and the last one is gone.
Task<void> enforce_deadlines(std::shared_ptr<Server> server) {
  while (!server->stopping || !server->clients.empty()) {
    const auto now = SystemClock().steady();
    while (auto* expired = server->clients.expired(now)) {
      const auto phase = expired->phase();
      if (phase != ClientPhase::kept && phase != ClientPhase::closing) ++server->stats.timeouts;
      server->close(*static_cast<Client*>(expired));
    }
    server->wake.expires_at(
        std::chrono::time_point_cast<asio::steady_timer::duration>(server->clients.next_deadline()));
    co_await server->wake.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

Task<void> accept_clients(std::shared_ptr<Server> server, tcp::acceptor& acceptor) {
  while (acceptor.is_open()) {
    auto accepted = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    auto& [error, socket] = accepted;
    if (!acceptor.is_open()) co_return;
    if (!error) {
      server->admit(std::move(socket));
      continue;
    }
    if (error == asio::error::connection_aborted) continue;
    if (is_out_of_descriptors(error)) {
      // The kernel says so even when nobody is waiting; only for somebody who is do we make room.
      co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::as_tuple(asio::use_awaitable));
      if (!acceptor.is_open()) co_return;
    }
    ++server->stats.accept_failures;
    // Accepting again at once would spin: the connection that could not be accepted is still there.
    if (is_out_of_descriptors(error) && server->make_room()) continue;
    co_await async::sleep_until(SystemClock().steady() + kAcceptPause);
  }
}

Task<ServerReply> answer(Server& server, ServerRequest request) {
  std::string bug;
  try {
    co_return co_await server.handler(std::move(request));
  } catch (const std::exception& thrown) {
    bug = thrown.what();
  } catch (...) {
    bug = "unknown exception";
  }
  // Whatever stop() interrupts is no bug.
  if (!server.stopping) server.on_bug("http request", bug);
  co_return plain_reply(500, "internal error\n");
}

http::response<http::span_body<const char>> make_response(const ServerReply& reply, unsigned version,
                                                          bool keep_alive) {
  http::response<http::span_body<const char>> response;
  response.version(version);
  response.result(reply.status);
  response.keep_alive(keep_alive);
  response.set(http::field::date, http_date());
  response.set(http::field::content_type, reply.content_type);
  response.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  // The end of a stream is the end of the connection.
  if (reply.stream) return response;
  if (reply.body) response.body() = beast::span<const char>(reply.body->data(), reply.body->size());
  response.content_length(response.body().size());
  return response;
}

/// Writes all but the body; false when the connection is of no more use.
template <class Stream>
Task<bool> write_head(Client& client, Stream& stream, const ServerReply& reply, const Parser& parser,
                      bool keep_alive) {
  client.server->move(client, ClientPhase::writing);
  const unsigned version = parser.is_header_done() ? parser.get().version() : 11;
  auto response = make_response(reply, version, keep_alive);
  http::response_serializer<http::span_body<const char>> serializer(response);
  auto written = co_await http::async_write_header(stream, serializer, asio::as_tuple(asio::use_awaitable));
  co_return !std::get<0>(written) && !client.gone();
}

/// Writes the reply; false when the connection is of no more use.
template <class Stream>
Task<bool> write_reply(Client& client, Stream& stream, const ServerReply& reply, const Parser& parser,
                       bool keep_alive) {
  if (parser.is_header_done() && parser.get().method() == http::verb::head) {
    const bool written = co_await write_head(client, stream, reply, parser, keep_alive);
    co_return written;
  }
  client.server->move(client, ClientPhase::writing);
  const unsigned version = parser.is_header_done() ? parser.get().version() : 11;
  auto response = make_response(reply, version, keep_alive);
  http::response_serializer<http::span_body<const char>> serializer(response);
  serializer.limit(kSlice);
  auto written = co_await http::async_write(stream, serializer, asio::as_tuple(asio::use_awaitable));
  co_return !std::get<0>(written) && !client.gone();
}

/// Whether a client that has nothing to say has closed, or says something all the same.
bool hung_up(tcp::socket& socket) {
  char byte = 0;
  const auto got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/// Writes the pieces of the reply's stream until it ends or the client is gone. The connection has no other
/// use afterwards.
template <class Stream>
Task<void> write_stream(Client& client, Stream& stream, const ServerReply& reply, const Parser& parser) {
  if (parser.get().method() == http::verb::head) reply.stream->close();
  const bool begun = co_await write_head(client, stream, reply, parser, false);
  client.stream = reply.stream;
  bool more = begun;
  while (more && !client.gone()) {
    client.server->move(client, ClientPhase::streaming);
    const auto piece = co_await client.stream->next();
    if (!piece || client.gone() || hung_up(client.socket)) break;
    client.server->move(client, ClientPhase::writing);
    auto written =
        co_await asio::async_write(stream, asio::buffer(*piece), asio::as_tuple(asio::use_awaitable));
    more = !std::get<0>(written);
  }
  client.stream = nullptr;
}

/// Reads and answers one request. False when it was the last one.
template <class Stream>
Task<bool> serve_request(Client& client, Stream& stream, beast::flat_buffer& buffer) {
  auto& server = *client.server;
  if (buffer.size() == 0) {
    constexpr std::size_t kFirstRead = 512;
    auto received =
        co_await stream.async_read_some(buffer.prepare(kFirstRead), asio::as_tuple(asio::use_awaitable));
    const auto& [error, size] = received;
    if (error || client.gone()) co_return false;
    buffer.commit(size);
  }
  // The time of a request begins with its first byte and includes its body; over TLS that of the first one
  // began with the handshake.
  if (client.phase() != ClientPhase::request) server.move(client, ClientPhase::request);
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(server.limits.max_header));
  parser.body_limit(server.limits.max_body);
  auto read = co_await http::async_read_header(stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
  // Nothing here needs a body of unknown length, and Beast 1.81 aborts on a chunk header that comes in pieces
  // ("0\r\n", then
  // "\r": an assertion in basic_parser::parse_chunk_header).
  const bool chunked = !std::get<0>(read) && parser.chunked();
  if (!std::get<0>(read) && !chunked) {
    read = co_await http::async_read(stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
  }
  const error_code error = std::get<0>(read);
  if (client.gone()) co_return false;

  ServerRequest request;
  std::optional<ServerReply> refusal;
  if (error) {
    refusal = reply_to_bad_request(error, parser);
    if (!refusal) co_return false;
  } else if (chunked) {
    refusal = plain_reply(411, "a request body needs a Content-Length\n");
  } else if (!set_target(request, parser.get().target())) {
    refusal = plain_reply(400, "bad request target\n");
  }
  ++server.stats.requests;
  if (refusal) {
    co_await write_reply(client, stream, *refusal, parser, false);
    co_return false;
  }
  auto& message = parser.get();
  request.method = message.method_string();
  request.accept = message[http::field::accept];
  request.accept_encoding = message[http::field::accept_encoding];
  request.authorization = message[http::field::authorization];
  request.peer_ip = client.ip;
  request.body = std::move(message.body());
  server.move(client, ClientPhase::handling);
  const ServerReply reply = co_await answer(server, std::move(request));
  if (client.gone()) co_return false;
  if (reply.stream) {
    co_await write_stream(client, stream, reply, parser);
    co_return false;
  }
  const bool keep_alive = message.keep_alive() && !server.stopping;
  const bool written = co_await write_reply(client, stream, reply, parser, keep_alive);
  if (!written || !keep_alive) co_return false;
  server.move(client, ClientPhase::kept);
  if (buffer.size() == 0) buffer.shrink_to_fit();
  co_return true;
}

template <class Stream>
Task<void> serve_requests(Client& client, Stream& stream) {
  const auto& limits = client.server->limits;
  // A default flat_buffer has no bound for chunk extensions and trailers (facts/reliability-and-security.md
  // 3).
  beast::flat_buffer buffer(limits.max_header + (4 << 10));
  bool more = true;
  while (more) more = co_await serve_request(client, stream, buffer);
}

/// Closing a socket with unread input resets the connection, and the client may never see the reply. So say
/// that we are done, and read what is still coming for a moment.
Task<void> drain(Client& client) {
  if (client.gone()) co_return;
  client.server->move(client, ClientPhase::closing);
  error_code ignored;
  client.socket.shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096> discarded;
  for (std::size_t total = 0; total < kMaxDrained && !client.gone();) {
    auto received =
        co_await client.socket.async_read_some(asio::buffer(discarded), asio::as_tuple(asio::use_awaitable));
    const auto& [error, size] = received;
    if (error) co_return;
    total += size;
  }
}

Task<void> serve_plain(std::unique_ptr<Client> client) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await serve_requests(*client, client->socket);
  co_await drain(*client);
}

Task<void> serve_tls(std::unique_ptr<Client> client, std::shared_ptr<ssl::context> context) {
  co_await asio::this_coro::throw_if_cancelled(false);
  client->server->move(*client, ClientPhase::request);
  ssl::stream<tcp::socket&> stream(client->socket, *context);
  auto shaken =
      co_await stream.async_handshake(ssl::stream_base::server, asio::as_tuple(asio::use_awaitable));
  const error_code error = std::get<0>(shaken);
  if (client->gone()) co_return;
  if (!error) {
    co_await serve_requests(*client, stream);
    if (client->gone()) co_return;
    client->server->move(*client, ClientPhase::closing);
    co_await stream.async_shutdown(asio::as_tuple(asio::use_awaitable));
  } else if (is_plain_http(error)) {
    static constexpr std::string_view kHint =
        "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\nthis port speaks HTTPS\n";
    co_await asio::async_write(client->socket, asio::buffer(kHint), asio::as_tuple(asio::use_awaitable));
  }
  co_await drain(*client);
}

Task<Result<void>> join(std::shared_ptr<Server> server) {
  co_await server->tasks.join();
  co_return Result<void>();
}

}  // namespace

HttpServer::Impl::Impl(asio::any_io_executor executor_, Handler handler_, Limits limits_,
                       async::TaskGroup::OnBug on_bug_)
    : executor(executor_),
      handler(std::move(handler_)),
      limits(limits_),
      on_bug(on_bug_),
      clients(times_of(limits_)),
      wake(executor_),
      tasks(executor_, std::move(on_bug_)) {}

void HttpServer::Impl::admit(tcp::socket socket) {
  close_on_exec(socket.native_handle());
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
  if (clients.size() >= limits.max_connections) {
    auto* victim = clients.evictable();
    if (victim == nullptr) {
      static constexpr std::string_view kBusy =
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n"
          "X-Content-Type-Options: nosniff\r\n\r\n";
      ::send(socket.native_handle(), kBusy.data(), kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      ++stats.evicted;
      return;
    }
    ++stats.evicted;
    close(*static_cast<Client*>(victim));
  }
  auto client = std::make_unique<Client>(shared_from_this(), std::move(socket));
  tasks.spawn("http client", tls ? serve_tls(std::move(client), tls) : serve_plain(std::move(client)));
}

/// Frees one descriptor, from the reserve or at the cost of an idle client.
bool HttpServer::Impl::make_room() {
  if (reserve.release()) return true;
  auto* victim = clients.evictable();
  if (victim == nullptr) return false;
  ++stats.evicted;
  close(*static_cast<Client*>(victim));
  return true;
}

void HttpServer::Impl::move(Client& client, ClientPhase to) {
  clients.move(client, to, SystemClock().steady());
  const auto next = clients.next_deadline();
  if (next < wake.expiry()) wake.cancel();
}

void HttpServer::Impl::close(Client& client) {
  clients.move(client, ClientPhase::gone, SystemClock().steady());
  error_code ignored;
  client.socket.close(ignored);
  if (client.stream) client.stream->close();
}

void HttpServer::Impl::close_all(ClientPhase phase) {
  while (auto* client = clients.front(phase)) close(*static_cast<Client*>(client));
}

void HttpServer::Impl::close_listeners() {
  error_code ignored;
  for (auto& acceptor : acceptors) acceptor.close(ignored);
}

void HttpServer::Impl::begin_stop() {
  stopping = true;
  close_listeners();
  for (const auto phase :
       {ClientPhase::fresh, ClientPhase::kept, ClientPhase::request, ClientPhase::streaming}) {
    close_all(phase);
  }
  wake.cancel();
}

HttpServer::HttpServer(asio::any_io_executor executor, Handler handler, Limits limits,
                       async::TaskGroup::OnBug on_bug)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(handler), limits, std::move(on_bug))) {}

HttpServer::~HttpServer() {
  impl_->begin_stop();
  for (const auto phase : {ClientPhase::handling, ClientPhase::writing, ClientPhase::closing})
    impl_->close_all(phase);
}

Result<void> HttpServer::set_tls(const Tls& tls) {
  auto context = make_server_context(tls);
  if (!context) return std::unexpected(context.error().within("tls_server_config"));
  impl_->tls = std::move(*context);
  return {};
}

Result<HostPort> HttpServer::listen(const HostPort& address) {
  error_code error;
  const bool everywhere = address.host.empty() || address.host == "*";
  const auto ip = everywhere                    ? asio::ip::address(asio::ip::address_v6::any())
                  : address.host == "localhost" ? asio::ip::address(asio::ip::address_v4::loopback())
                                                : asio::ip::make_address(address.host, error);
  const auto what = "listen on " + address.print();
  if (error) return fail(ErrorKind::config, what + ": the host must be an IP address");
  const tcp::endpoint endpoint(ip, address.port);
  tcp::acceptor acceptor(impl_->executor);
  acceptor.open(endpoint.protocol(), error);
  if (!error) close_on_exec(acceptor.native_handle());
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && ip.is_v6()) acceptor.set_option(asio::ip::v6_only(!ip.is_unspecified()), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) return fail(ErrorKind::config, what + ": address in use");
  if (error) return fail(ErrorKind::config, what + ": " + error.message());

  const auto bound = acceptor.local_endpoint(error);
  impl_->acceptors.push_back(std::move(acceptor));
  impl_->tasks.spawn("http accept", accept_clients(impl_, impl_->acceptors.back()));
  if (!std::exchange(impl_->watching, true)) impl_->tasks.spawn("http deadlines", enforce_deadlines(impl_));
  return HostPort{.host = address.host, .port = bound.port()};
}

Task<void> HttpServer::stop(SteadyTime deadline) {
  auto server = impl_;
  server->begin_stop();
  auto joined = co_await async::with_deadline(join(server), deadline);
  if (joined) co_return;
  for (const auto phase : {ClientPhase::handling, ClientPhase::writing, ClientPhase::closing})
    server->close_all(phase);
  server->tasks.cancel();
  co_await server->tasks.join();
}

HttpServer::Stats HttpServer::stats() const {
  auto stats = impl_->stats;
  stats.connections = impl_->clients.size();
  return stats;
}

}  // namespace qw::net
