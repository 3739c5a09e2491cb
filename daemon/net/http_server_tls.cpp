#include "daemon/net/http_server_tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ssl/verify_context.hpp>
#include <map>
#include <optional>

namespace qw::net {
namespace {

namespace ssl = asio::ssl;

struct ClientAuth {
  ssl::verify_mode mode;
  bool verifies;  ///< the chain has to lead to client_ca_file
};

/// Go's names, as exporter-toolkit has them.
std::optional<ClientAuth> client_auth(std::string_view type) {
  static const std::map<std::string_view, ClientAuth> kTypes{
      {"NoClientCert", {ssl::verify_none, false}},
      {"RequestClientCert", {ssl::verify_peer, false}},
      {"RequireAnyClientCert", {ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, false}},
      {"VerifyClientCertIfGiven", {ssl::verify_peer, true}},
      {"RequireAndVerifyClientCert", {ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, true}},
  };
  const auto found = kTypes.find(type.empty() ? "NoClientCert" : type);
  if (found == kTypes.end()) return std::nullopt;
  return found->second;
}

std::optional<int> protocol_version(std::string_view name) {
  if (name == "TLS12") return TLS1_2_VERSION;
  if (name == "TLS13") return TLS1_3_VERSION;
  return std::nullopt;
}

std::string text_of(const GENERAL_NAME& name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(&name, &type);
  const auto* string = static_cast<const ASN1_STRING*>(value);
  switch (type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
      return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
              static_cast<std::size_t>(ASN1_STRING_length(string))};
    case GEN_IPADD: {
      const auto* bytes = ASN1_STRING_get0_data(string);
      if (ASN1_STRING_length(string) == 4) {
        asio::ip::address_v4::bytes_type v4;
        std::copy_n(bytes, v4.size(), v4.begin());
        return asio::ip::make_address_v4(v4).to_string();
      }
      if (ASN1_STRING_length(string) == 16) {
        asio::ip::address_v6::bytes_type v6;
        std::copy_n(bytes, v6.size(), v6.begin());
        return asio::ip::make_address_v6(v6).to_string();
      }
      return {};
    }
    default:
      return {};
  }
}

bool has_allowed_san(X509* certificate, const std::vector<std::string>& allowed) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return false;
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; ++i) {
    const auto text = text_of(*sk_GENERAL_NAME_value(names, i));
    found = !text.empty() && std::ranges::find(allowed, text) != allowed.end();
  }
  GENERAL_NAMES_free(names);
  return found;
}

Result<void> load_files(ssl::context& context, const HttpServer::Tls& tls) {
  boost::system::error_code error;
  context.use_certificate_chain_file(tls.cert_file, error);
  if (error) return fail(ErrorKind::config, "cert_file " + tls.cert_file + ": " + error.message());
  context.use_private_key_file(tls.key_file, ssl::context::pem, error);
  if (error) return fail(ErrorKind::config, "key_file " + tls.key_file + ": " + error.message());
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return fail(ErrorKind::config, "key_file " + tls.key_file + ": does not belong to cert_file");
  }
  if (tls.client_ca_file.empty()) return {};
  context.load_verify_file(tls.client_ca_file, error);
  auto* names = error ? nullptr : SSL_load_client_CA_file(tls.client_ca_file.c_str());
  if (names == nullptr)
    return fail(ErrorKind::config, "client_ca_file " + tls.client_ca_file + ": not readable as PEM");
  SSL_CTX_set_client_CA_list(context.native_handle(), names);
  return {};
}

/// Combinations that would look like protection and give none.
Result<ClientAuth> check_client_auth(const HttpServer::Tls& tls) {
  const auto auth = client_auth(tls.client_auth_type);
  if (!auth) return fail(ErrorKind::config, "client_auth_type: unknown type '" + tls.client_auth_type + "'");
  if (auth->mode == ssl::verify_none && !tls.client_ca_file.empty()) {
    return fail(ErrorKind::config, "client_ca_file: needs a client_auth_type that asks for certificates");
  }
  if (auth->verifies && tls.client_ca_file.empty()) {
    return fail(ErrorKind::config, "client_auth_type: " + tls.client_auth_type + " needs client_ca_file");
  }
  if (!auth->verifies && !tls.client_allowed_sans.empty()) {
    return fail(ErrorKind::config,
                "client_allowed_sans: needs a client_auth_type that verifies certificates");
  }
  return *auth;
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_server_context(const HttpServer::Tls& tls) {
  const auto auth = check_client_auth(tls);
  if (!auth) return std::unexpected(auth.error());
  const auto oldest = protocol_version(tls.min_version);
  if (!oldest) return fail(ErrorKind::config, "min_version: must be TLS12 or TLS13");
  const auto newest = protocol_version(tls.max_version);
  if (!newest || *newest < *oldest)
    return fail(ErrorKind::config, "max_version: must be TLS12 or TLS13, not below min_version");

  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  auto* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, *oldest);
  SSL_CTX_set_max_proto_version(native, *newest);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // buffers of idle connections are given back
  auto loaded = load_files(*context, tls);
  if (!loaded) return std::unexpected(loaded.error());

  context->set_verify_mode(auth->mode);
  if (auth->mode != ssl::verify_none) {
    context->set_verify_callback([verifies = auth->verifies, allowed = tls.client_allowed_sans](
                                     bool chain_is_good, ssl::verify_context& verification) {
      if (!verifies) return true;
      if (!chain_is_good || allowed.empty()) return chain_is_good;
      auto* store = verification.native_handle();
      const bool is_leaf = X509_STORE_CTX_get_error_depth(store) == 0;
      return !is_leaf || has_allowed_san(X509_STORE_CTX_get_current_cert(store), allowed);
    });
  }
  return context;
}

}  // namespace qw::net
