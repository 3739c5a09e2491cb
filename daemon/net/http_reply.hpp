#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace qw::net {

/// Reads one HTTP/1.x reply from bytes as they come, without I/O (RFC 9112, by Boost.Beast's parser). What it
/// keeps is bounded, whatever the peer sends: chunk extensions and trailers count against the caps like
/// everything else.
class HttpReplyReader {
 public:
  struct Limits {
    Limits() = default;
    std::size_t max_body = 1 << 20;     ///< bytes after chunks are joined; on the wire max_header more
    std::size_t max_header = 16 << 10;  ///< bytes, together with those of interim (1xx) replies
  };
  /// `bodyless`: the reply to a HEAD request.
  HttpReplyReader(Limits limits, bool bodyless);
  ~HttpReplyReader();
  HttpReplyReader(const HttpReplyReader&) = delete;
  HttpReplyReader& operator=(const HttpReplyReader&) = delete;

  /// Takes all of `bytes`. Errors are final: too_large beyond a cap, protocol for all that is not HTTP.
  Result<void> put(std::string_view bytes);
  /// The peer has closed: ends a body without a length, cuts off every other.
  Result<void> put_eof();

  bool started() const;   ///< a byte of it has come
  bool done() const;      ///< all of it has come
  bool reusable() const;  ///< done, and the connection may carry another exchange
  unsigned status() const;
  const std::string& date() const;
  std::string take_body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::net
