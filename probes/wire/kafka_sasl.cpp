#include "probes/wire/kafka_sasl.hpp"

#include <string>

namespace qw::wire::kafka {

void SaslHandshakeRequest::write(Writer& out, std::int16_t /*version*/) const {
  out.text(mechanism);
}

Result<SaslHandshakeReply> SaslHandshakeReply::read(std::string_view body, std::int16_t version) {
  Reader in(body, is_flexible(Api::sasl_handshake, version));
  SaslHandshakeReply reply;
  reply.error = static_cast<ErrorCode>(in.int16());
  for (std::size_t count = in.array(2); count > 0 && in.ok(); --count) reply.mechanisms.push_back(in.text());
  const auto end = in.end(print(Api::sasl_handshake, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

void SaslAuthenticateRequest::write(Writer& out, std::int16_t /*version*/) const {
  out.bytes(token.reveal());
  out.no_tags();
}

Result<SaslAuthenticateReply> SaslAuthenticateReply::read(std::string_view body, std::int16_t version) {
  Reader in(body, is_flexible(Api::sasl_authenticate, version));
  SaslAuthenticateReply reply;
  reply.error = static_cast<ErrorCode>(in.int16());
  reply.message = in.nullable_text().value_or(std::string_view());
  reply.token = in.bytes();
  if (version >= 1) reply.session_lifetime_ms = in.int64();
  in.skip_tags();
  const auto end = in.end(print(Api::sasl_authenticate, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

Secret make_plain_token(std::string_view username, const Secret& password) {
  std::string token;
  token.reserve(username.size() + password.reveal().size() + 2);  // so that no copy stays behind
  token.push_back('\0');
  token.append(username).push_back('\0');
  token.append(password.reveal());
  return Secret(std::move(token));
}

Secret make_oauthbearer_token(const Secret& bearer) {
  constexpr std::string_view kBefore =
      "n,,\x01"
      "auth=Bearer ";
  constexpr std::string_view kAfter = "\x01\x01";
  std::string token;
  token.reserve(kBefore.size() + bearer.reveal().size() + kAfter.size());
  token.append(kBefore).append(bearer.reveal()).append(kAfter);
  return Secret(std::move(token));
}

}  // namespace qw::wire::kafka
