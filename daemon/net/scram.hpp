#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/secret.hpp"

namespace qw::net {

enum class ScramHash : std::uint8_t { sha256, sha512 };

/// A nonce for ScramClient: 24 random bytes in base64. Errors: internal (no randomness to be had).
Result<std::string> make_scram_nonce();

/// The client's side of SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), without channel binding. Pure:
/// three messages, in order, each once. Both sides prove that they know the password, and it never travels.
/// One object an authentication.
class ScramClient {
 public:
  /// Iterations that a server may ask for. Fewer make a stolen exchange cheap to guess at; more would let a
  /// server (or whoever stands in for it) keep a worker busy for as long as it likes.
  static constexpr std::uint32_t kFewestIterations = 4096;
  static constexpr std::uint32_t kMostIterations = 1'000'000;

  /// `nonce` must be new for each object (make_scram_nonce), printable ASCII without ','. The password is
  /// taken as its UTF-8 bytes are: Kafka does not normalise it (SASLprep) either.
  ScramClient(ScramHash hash, std::string_view username, Secret password, std::string_view nonce);

  /// The client-first message.
  std::string first() const;

  /// The server-first message in, the client-final message out. Derives the key (PBKDF2): about 1 ms for
  /// 4,096 iterations and 0.3 s for a million, so CALL IT ON A WORKER (async::WorkerPool), never on the loop.
  /// Errors: protocol (not what the RFC allows, or a nonce that does not continue ours), rejected (the
  /// server's own error), too_large (iterations).
  Result<std::string> finish(std::string_view server_first);

  /// The server-final message. Only when this is well has the server shown that it knows the password.
  /// Errors: rejected (the server refuses us, or its signature is wrong), protocol.
  Result<void> verify(std::string_view server_final) const;

 private:
  ScramHash hash_;
  std::string username_;
  Secret password_;
  std::string nonce_;
  std::string server_signature_;  // what verify() expects; empty until finish() was well
};

}  // namespace qw::net
