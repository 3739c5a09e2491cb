#include "daemon/net/scram.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <optional>

#include "daemon/base/text.hpp"
#include "daemon/net/base64.hpp"
#include "daemon/net/digest.hpp"

namespace qw::net {
namespace {

constexpr std::size_t kMessageBytes = 4096;  // a server's message; Kafka's have some 150
constexpr std::string_view kHeader = "n,,";  // no channel binding, no other identity

/// ',' and '=' have a meaning of their own in these messages.
std::string escape(std::string_view username) {
  std::string escaped;
  for (const char c : username) {
    if (c == ',') {
      escaped += "=2C";
    } else if (c == '=') {
      escaped += "=3D";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

const EVP_MD* algorithm(ScramHash hash) {
  return hash == ScramHash::sha256 ? EVP_sha256() : EVP_sha512();
}

std::string hmac(ScramHash hash, std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(algorithm(hash), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &length);
  return {reinterpret_cast<const char*>(digest.data()), length};
}

std::string digest_of(ScramHash hash, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(message.data(), message.size(), digest.data(), &length, algorithm(hash), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), length};
}

/// PBKDF2 with HMAC: what the RFC calls Hi().
Secret salt_password(ScramHash hash, const Secret& password, std::string_view salt,
                     std::uint32_t iterations) {
  std::string key(static_cast<std::size_t>(EVP_MD_get_size(algorithm(hash))), '\0');
  PKCS5_PBKDF2_HMAC(password.reveal().data(), static_cast<int>(password.reveal().size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    static_cast<int>(iterations), algorithm(hash), static_cast<int>(key.size()),
                    reinterpret_cast<unsigned char*>(key.data()));
  return Secret(std::move(key));
}

/// "r=..." gives "..." for 'r'; nothing for any other attribute.
std::optional<std::string_view> attribute(std::string_view text, char name) {
  if (text.size() < 2 || text[0] != name || text[1] != '=') return std::nullopt;
  return text.substr(2);
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorKind::protocol, fmt::format("not SCRAM: {}", what));
}

struct Challenge {
  std::string_view nonce;
  std::string salt;
  std::uint32_t iterations = 0;
};

/// "r=NONCE,s=SALT,i=COUNT", and extensions that one may ignore.
Result<Challenge> read_challenge(std::string_view message) {
  if (message.size() > kMessageBytes) return fail(ErrorKind::too_large, "SCRAM: the challenge is too long");
  const auto fields = split(message, ',');
  if (const auto error = attribute(fields[0], 'e')) {
    return fail(ErrorKind::rejected, fmt::format("SCRAM: {}", sanitize(*error)));
  }
  if (fields.size() < 3) return malformed("the challenge has too few parts");
  const auto nonce = attribute(fields[0], 'r');
  const auto salt = attribute(fields[1], 's');
  const auto count = attribute(fields[2], 'i');
  if (!nonce || !salt || !count) return malformed("expected 'r=', 's=' and 'i=' in the challenge");

  auto salt_bytes = from_base64(*salt);
  if (!salt_bytes) return malformed("the salt is not base64");
  const auto iterations = parse_uint64(*count);
  if (!iterations) return malformed("the iteration count is not a number");
  if (*iterations < ScramClient::kFewestIterations || *iterations > ScramClient::kMostIterations) {
    return fail(ErrorKind::too_large,
                fmt::format("SCRAM: {} iterations, where {} to {} are allowed", *iterations,
                            ScramClient::kFewestIterations, ScramClient::kMostIterations));
  }
  return Challenge{*nonce, std::move(*salt_bytes), static_cast<std::uint32_t>(*iterations)};
}

}  // namespace

Result<std::string> make_scram_nonce() {
  std::array<unsigned char, 24> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return fail(ErrorKind::internal, "no random numbers for a nonce");
  }
  return base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

ScramClient::ScramClient(ScramHash hash, std::string_view username, Secret password, std::string_view nonce)
    : hash_(hash), username_(escape(username)), password_(std::move(password)), nonce_(nonce) {}

std::string ScramClient::first() const {
  return fmt::format("{}n={},r={}", kHeader, username_, nonce_);
}

Result<std::string> ScramClient::finish(std::string_view server_first) {
  const auto challenge = read_challenge(server_first);
  if (!challenge) return std::unexpected(challenge.error());
  if (!challenge->nonce.starts_with(nonce_) || challenge->nonce.size() == nonce_.size()) {
    return malformed("the server's nonce does not continue ours");
  }

  const std::string answer = fmt::format("c={},r={}", base64(kHeader), challenge->nonce);
  const std::string everything = fmt::format("n={},r={},{},{}", username_, nonce_, server_first, answer);
  const Secret salted = salt_password(hash_, password_, challenge->salt, challenge->iterations);
  const Secret client_key(hmac(hash_, salted.reveal(), "Client Key"));
  const Secret server_key(hmac(hash_, salted.reveal(), "Server Key"));

  std::string proof = hmac(hash_, digest_of(hash_, client_key.reveal()), everything);
  for (std::size_t i = 0; i < proof.size(); ++i) {
    proof[i] = static_cast<char>(proof[i] ^ client_key.reveal()[i]);
  }
  server_signature_ = hmac(hash_, server_key.reveal(), everything);
  return fmt::format("{},p={}", answer, base64(proof));
}

Result<void> ScramClient::verify(std::string_view server_final) const {
  if (server_final.size() > kMessageBytes) return fail(ErrorKind::too_large, "SCRAM: the end is too long");
  const std::string_view field = split(server_final, ',')[0];
  if (const auto error = attribute(field, 'e')) {
    return fail(ErrorKind::rejected, fmt::format("SCRAM: {}", sanitize(*error)));
  }
  const auto text = attribute(field, 'v');
  if (!text) return malformed("expected 'v=' at the end");
  const auto signature = from_base64(*text);
  if (!signature) return malformed("the server's signature is not base64");
  if (server_signature_.empty() || !equal_in_constant_time(*signature, server_signature_)) {
    return fail(ErrorKind::rejected, "SCRAM: the server does not know the password");
  }
  return {};
}

}  // namespace qw::net
