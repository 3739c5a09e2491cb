#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/net/address.hpp"

namespace qw::net {

struct ServerRequest {
  ServerRequest() = default;
  std::string method;
  std::string path;   ///< decoded, without the query
  std::string query;  ///< as sent, without '?'
  std::string accept;
  std::string accept_encoding;
  std::string authorization;
  std::string peer_ip;
  std::string body;
};

/// A body that comes in pieces as they are made. The server asks for the next one once the piece before is
/// with the kernel, so a slow reader makes nothing pile up.
class ServerStream {
 public:
  virtual ~ServerStream() = default;
  /// The next piece, not empty; null: that was all.
  virtual Task<std::shared_ptr<const std::string>> next() = 0;
  /// Makes a next() that waits return null: the client is gone, or the server stops.
  virtual void close() = 0;
};

struct ServerReply {
  ServerReply() = default;
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  /// Shared, so that a large page is built once and written to many.
  std::shared_ptr<const std::string> body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Instead of a body: its pieces until it ends, and the connection with it.
  std::shared_ptr<ServerStream> stream = nullptr;
};

/// Answers HTTP/1.1 on the loop (Boost.Beast behind it). Clients that hold connections, send slowly or read
/// slowly can not keep others from being answered: facts/reliability-and-security.md 2.3.
class HttpServer {
 public:
  struct Limits {
    Limits() = default;
    std::size_t max_connections = 4096;  ///< at the cap the connection that has been idle longest is closed
    std::size_t max_header = 8 << 10;
    std::size_t max_body = 64 << 10;
    Nanoseconds header_timeout = std::chrono::seconds(5);
    Nanoseconds write_timeout = std::chrono::seconds(10);  ///< for the whole reply
    Nanoseconds idle_timeout = std::chrono::seconds(60);
  };
  struct Stats {
    std::size_t connections = 0;
    std::uint64_t requests = 0;
    std::uint64_t evicted = 0;          ///< closed to make room
    std::uint64_t accept_failures = 0;  ///< out of descriptors
    std::uint64_t timeouts = 0;
  };
  /// Called on the loop; may await (a worker builds the page). Exceptions become 500 and are reported to
  /// on_bug.
  using Handler = std::function<Task<ServerReply>(ServerRequest)>;

  HttpServer(asio::any_io_executor executor, Handler handler, Limits limits, async::TaskGroup::OnBug on_bug);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Server side TLS, as exporter-toolkit's web configuration file describes it. Replaces the context for new
  /// connections.
  struct Tls {
    Tls() = default;
    std::string cert_file, key_file, client_ca_file;
    std::string client_auth_type = "NoClientCert";
    std::string min_version = "TLS12", max_version = "TLS13";
    std::vector<std::string> client_allowed_sans;
  };
  Result<void> set_tls(const Tls& tls);

  /// Port 0 takes a free one. Errors: "address in use". Returns the bound address.
  Result<HostPort> listen(const HostPort& address);
  /// No new connections; requests under way may end until `deadline`.
  Task<void> stop(SteadyTime deadline);
  Stats stats() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;  ///< shared with the tasks, which may end after the server
};

}  // namespace qw::net
