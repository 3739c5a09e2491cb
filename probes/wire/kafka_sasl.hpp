#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "daemon/base/secret.hpp"
#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// Names the mechanism ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"). Version 1 only: after it
/// the tokens travel in SaslAuthenticate, so that a refusal has words (version 0 ends in raw tokens).
struct SaslHandshakeRequest {
  static constexpr Api kApi = Api::sasl_handshake;
  std::string_view mechanism;
  void write(Writer& out, std::int16_t version) const;
};

struct SaslHandshakeReply {
  ErrorCode error = ErrorCode::none;
  std::vector<std::string_view> mechanisms;  ///< what the broker has
  static Result<SaslHandshakeReply> read(std::string_view body, std::int16_t version);
};

/// One step of the mechanism: PLAIN has one, SCRAM two, OAUTHBEARER one (after a refusal it wants "\x01" once
/// more, or one closes the connection).
struct SaslAuthenticateRequest {
  static constexpr Api kApi = Api::sasl_authenticate;
  Secret token;
  void write(Writer& out, std::int16_t version) const;
};

struct SaslAuthenticateReply {
  ErrorCode error = ErrorCode::none;
  std::string_view message;              ///< why it refuses
  std::string_view token;                ///< the server's part of the mechanism
  std::int64_t session_lifetime_ms = 0;  ///< the broker closes the connection after that long; 0: never
  static Result<SaslAuthenticateReply> read(std::string_view body, std::int16_t version);
};

/// RFC 4616.
Secret make_plain_token(std::string_view username, const Secret& password);
/// RFC 7628, with the bearer token alone.
Secret make_oauthbearer_token(const Secret& bearer);

}  // namespace qw::wire::kafka
