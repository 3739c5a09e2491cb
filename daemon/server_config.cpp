#include "daemon/server_config.hpp"

#include <boost/asio/ip/address.hpp>

namespace qw {

net::HttpServer::Tls server_tls(const config::WebConfig& web) {
  net::HttpServer::Tls tls;
  tls.cert_file = web.cert_file;
  tls.key_file = web.key_file;
  tls.client_ca_file = web.client_ca_file;
  tls.client_auth_type = web.client_auth_type;
  tls.min_version = web.min_version;
  tls.max_version = web.max_version;
  tls.client_allowed_sans = web.client_allowed_sans;
  return tls;
}

std::vector<exporting::BasicAuthUser> server_users(const config::WebConfig& web) {
  std::vector<exporting::BasicAuthUser> users;
  for (const auto& [name, hash] : web.users) users.push_back({.name = name, .bcrypt = hash});
  return users;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

}  // namespace qw
