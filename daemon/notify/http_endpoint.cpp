#include "daemon/notify/http_endpoint.hpp"

#include <fmt/format.h>

#include "daemon/net/base64.hpp"

namespace qw::notify {

std::vector<std::pair<std::string, std::string>> HttpEndpoint::headers() const {
  if (!bearer_token.empty()) return {{"Authorization", fmt::format("Bearer {}", bearer_token.reveal())}};
  if (username.empty()) return {};
  return {{"Authorization", "Basic " + net::base64(fmt::format("{}:{}", username, password.reveal()))}};
}

}  // namespace qw::notify
