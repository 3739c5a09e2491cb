#include "daemon/net/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <fstream>

namespace qw::net {
namespace {

Result<void> bad_file(const std::string& file, std::string_view what,
                      const boost::system::error_code& error) {
  return fail(ErrorKind::config, fmt::format("{}: {} ({})", file, what, error.message()));
}

/// OpenSSL's own words for a missing file are about BIO routines.
Result<void> readable(const std::string& file) {
  std::ifstream in(file);
  in.peek();
  if (!in) return fail(ErrorKind::config, fmt::format("{}: can not be read", file));
  return {};
}

Result<void> load_authorities(asio::ssl::context& context, const std::string& file) {
  boost::system::error_code error;
  if (file.empty()) {
    context.set_default_verify_paths(error);
    if (error) return bad_file("system certificates", "can not be loaded", error);
    return {};
  }
  if (auto open = readable(file); !open) return open;
  context.load_verify_file(file, error);
  if (error) return bad_file(file, "holds no certificate in PEM form", error);
  return {};
}

Result<void> load_own_certificate(asio::ssl::context& context, const TlsFiles& files) {
  if (files.cert_file.empty() != files.key_file.empty()) {
    return fail(ErrorKind::config, "a client certificate needs both cert_file and key_file");
  }
  if (files.cert_file.empty()) return {};
  if (auto open = readable(files.cert_file); !open) return open;
  if (auto open = readable(files.key_file); !open) return open;
  boost::system::error_code error;
  context.use_certificate_chain_file(files.cert_file, error);
  if (error) return bad_file(files.cert_file, "holds no certificate in PEM form", error);
  // Without a callback OpenSSL asks for the password of an encrypted key at the terminal.
  SSL_CTX_set_default_passwd_cb(context.native_handle(), [](char*, int, int, void*) { return 0; });
  context.use_private_key_file(files.key_file, asio::ssl::context::pem, error);
  if (error)
    return bad_file(files.key_file, "holds no unencrypted private key that fits the certificate", error);
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return fail(ErrorKind::config, fmt::format("{}: does not fit {}", files.key_file, files.cert_file));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::make(const TlsFiles& files) {
  auto impl = std::make_unique<Impl>();
  SSL_CTX* native = impl->context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  impl->server_name = files.server_name;
  impl->verify = !files.insecure_skip_verify;
  if (impl->verify) {
    if (auto loaded = load_authorities(impl->context, files.ca_file); !loaded)
      return std::unexpected(loaded.error());
  }
  if (auto loaded = load_own_certificate(impl->context, files); !loaded)
    return std::unexpected(loaded.error());
  return std::make_shared<TlsContext>(std::move(impl));
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<void> TlsContext::Impl::prepare(SSL* ssl, const std::string& host) const {
  std::string name = server_name.empty() ? host : server_name;
  name = name.substr(0, name.find('%'));  // a certificate knows no interfaces ("fe80::1%eth0")
  if (name.ends_with('.')) name.pop_back();
  boost::system::error_code not_ip;
  asio::ip::make_address(name, not_ip);
  // RFC 6066 3: literal addresses are not sent as server names.
  const bool named = !not_ip || SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  const bool set = not_ip ? X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1
                          : X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1;
  if (!named || !set) return fail(ErrorKind::config, "the server name can not stand in a certificate");
  return {};
}

}  // namespace qw::net
