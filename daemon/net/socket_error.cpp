#include "daemon/net/socket_error.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <string>

#include "daemon/net/stream.hpp"

namespace qw::net {
namespace {

namespace asio = boost::asio;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// Alerts by which a peer refuses us (RFC 8446 6.2): it understood, and it said no.
const char* refusal(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "certificate: the peer demands a client certificate";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "certificate: the peer refused the handshake (no client certificate, or no common cipher)";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      return "certificate: the peer calls our client certificate bad";
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return "certificate: the peer does not support our client certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return "certificate: the peer calls our client certificate revoked";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "certificate: the peer calls our client certificate expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return "certificate: the peer does not accept our client certificate";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "certificate: the peer does not know who signed our client certificate";
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return "certificate: the peer denies access to our client certificate";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "certificate: the peer does not know the server name";
    default:
      return nullptr;
  }
}

Error tls_error(const boost::system::error_code& error, long verify_result) {
  const auto code = static_cast<unsigned long>(static_cast<unsigned>(error.value()));
  const int reason = ERR_GET_REASON(code);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verify_result != X509_V_OK) {
    return {ErrorKind::rejected,
            fmt::format("certificate: {}", lower(X509_verify_cert_error_string(verify_result)))};
  }
  if (const char* words = refusal(reason)) return {ErrorKind::rejected, words};
  const char* words = ERR_reason_error_string(code);
  return {ErrorKind::protocol, fmt::format("tls: {}", lower(words != nullptr ? words : error.message()))};
}

}  // namespace

Error socket_error(const boost::system::error_code& error, long verify_result) {
  using asio::error::operation_aborted;
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return {ErrorKind::refused, std::string(kClosedByPeer)};
  }
  if (error.category() == asio::error::get_ssl_category()) return tls_error(error, verify_result);
  if (error.category() == asio::ssl::error::get_stream_category()) {
    return {ErrorKind::protocol, fmt::format("tls: {}", lower(error.message()))};
  }
  switch (error.value()) {
    case ECANCELED:
      return {ErrorKind::canceled, "canceled"};
    case ECONNREFUSED:
      return {ErrorKind::refused, "connection refused"};
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return {ErrorKind::refused, "connection reset by peer"};
    case ETIMEDOUT:
      return {ErrorKind::timeout, "connection timed out"};
    case EHOSTUNREACH:
      return {ErrorKind::unreachable, "no route to host"};
    case ENETUNREACH:
      return {ErrorKind::unreachable, "network is unreachable"};
    case EHOSTDOWN:
    case ENETDOWN:
      return {ErrorKind::unreachable, lower(error.message())};
    case EPERM:
    case EACCES:
      return {ErrorKind::unreachable, "blocked by this machine's own firewall"};
    case EMFILE:
    case ENFILE:
      return {ErrorKind::internal, "out of file descriptors"};
    default:
      return {ErrorKind::internal, lower(error.message())};
  }
}

Error deadline_error(std::string_view while_what) {
  return {ErrorKind::timeout, fmt::format("deadline exceeded while {}", while_what)};
}

}  // namespace qw::net
