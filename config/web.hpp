#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace qw::config {

/// The web configuration file (`--web.config.file`), with the keys of Prometheus' exporter-toolkit. Keys of
/// it that the daemon could not honour (cipher_suites, rate_limit, http2: true, ...) are refused rather than
/// ignored.
struct WebConfig {
  bool tls = false;                                 ///< tls_server_config is there
  std::string cert_file, key_file, client_ca_file;  ///< resolved; PEM
  std::string client_auth_type = "NoClientCert";
  std::string min_version = "TLS12", max_version = "TLS13";
  std::vector<std::string> client_allowed_sans;
  std::vector<std::pair<std::string, std::string>>
      users;  ///< name and bcrypt hash; empty: no password is asked for
  std::vector<std::pair<std::string, std::string>> headers;  ///< to be sent with every reply
  /// Equal when nothing changed, the contents of the certificate files included. Not to be printed.
  std::uint64_t fingerprint = 0;
};

struct LoadedWeb {
  WebConfig config;
  std::vector<Problem> problems;  ///< config is usable only when this is empty
};

LoadedWeb load_web_file(const std::string& file);
/// The same for text that is already there; `file` names it in problems and is what relative paths refer to.
LoadedWeb load_web_text(std::string_view text, const std::string& file);

}  // namespace qw::config
