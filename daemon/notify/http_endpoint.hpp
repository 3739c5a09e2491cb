#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/base/secret.hpp"
#include "daemon/net/http_client.hpp"
#include "daemon/net/url.hpp"

namespace qw::notify {

/// Where something is asked over HTTP, and as whom.
struct HttpEndpoint {
  net::Url url;
  std::shared_ptr<net::TlsContext> tls;  ///< null: the URL says http
  std::string username;                  ///< empty: no basic auth
  Secret password;
  Secret bearer_token;  ///< empty: none
  Nanoseconds timeout = std::chrono::seconds(5);

  /// The Authorization header, when there is one.
  std::vector<std::pair<std::string, std::string>> headers() const;
};

}  // namespace qw::notify
