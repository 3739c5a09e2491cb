#pragma once
#include <vector>

#include "config/web.hpp"
#include "daemon/export/site.hpp"
#include "daemon/net/http_server.hpp"

namespace qw {

/// What the web configuration file says, as the server and the site want it.
net::HttpServer::Tls server_tls(const config::WebConfig& web);
std::vector<exporting::BasicAuthUser> server_users(const config::WebConfig& web);

/// Whether only this machine can connect to `host`.
bool is_loopback(const std::string& host);

}  // namespace qw
