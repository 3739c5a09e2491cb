#pragma once
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "daemon/net/http_server.hpp"

namespace qw::net {

/// The OpenSSL context of the server side: TLS 1.2 and 1.3, no renegotiation, no resumption (a resumed
/// session would not be checked against client_allowed_sans again). Errors: ErrorKind::config, naming the
/// file or key.
Result<std::shared_ptr<asio::ssl::context>> make_server_context(const HttpServer::Tls& tls);

}  // namespace qw::net
