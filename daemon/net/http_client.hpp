#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/net/stream.hpp"

namespace qw::net {

struct HttpRequest {
  HttpRequest(std::string method_, std::string target_)
      : method(std::move(method_)), target(std::move(target_)) {}
  std::string method;  ///< "GET", "POST"
  std::string target;  ///< "/debug/vars"
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides Host, User-Agent, Content-Length
};

struct HttpReply {
  HttpReply() = default;
  unsigned status = 0;
  std::string body;
  std::string date;  ///< the Date header as sent; empty when there is none
  /// When the first byte of the request went out (the connection was there already), and when the whole reply
  /// was in.
  SteadyTime sent;
  SteadyTime received;
  WallTime wall_sent;
  WallTime wall_received;
};

/// HTTP/1.1 to one host over one kept connection; a fresh one is made when the kept one was closed. Redirects
/// are never followed (design.md, truth rule 2), compressed bodies never asked for.
class HttpClient {
 public:
  struct Options {
    Options() = default;
    std::size_t max_body = 1 << 20;  ///< bytes; more is ErrorKind::too_large, and the connection is dropped
    std::size_t max_header = 16 << 10;
  };
  HttpClient(Net& net, const Clock& clock, HostPort to, std::shared_ptr<TlsContext> tls, Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One exchange; never two at a time. Any status is a reply, not an error.
  Task<Result<HttpReply>> exchange(HttpRequest request, SteadyTime deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::net
