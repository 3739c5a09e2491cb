#pragma once
#include <boost/asio/ssl/context.hpp>
#include <string>

#include "daemon/net/stream.hpp"

namespace qw::net {

/// What TlsContext holds; only daemon/net looks inside.
struct TlsContext::Impl {
  Impl() : context(asio::ssl::context::tls_client) {}

  /// Prepares one connection: server name indication, and the name or address that the certificate must bear.
  Result<void> prepare(SSL* ssl, const std::string& host) const;

  asio::ssl::context context;
  std::string server_name;
  bool verify = true;
};

}  // namespace qw::net
