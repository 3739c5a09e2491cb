// Any bytes as the server's two messages of SCRAM (a line each): no crash, and nobody is believed who does
// not know the password.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/base/text.hpp"
#include "daemon/net/scram.hpp"

namespace {

/// Many iterations are well-formed, and slow: no use to a fuzzer.
bool is_slow(std::string_view challenge) {
  for (const std::string_view field : qw::split(challenge, ',')) {
    if (field.starts_with("i=") && qw::parse_uint64(field.substr(2)).value_or(0) > 5000) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos || is_slow(bytes.substr(0, end))) return 0;

  qw::net::ScramClient client(qw::net::ScramHash::sha256, "user", qw::Secret("pencil"),
                              "rOprNGfwEbeRWgbNEkqO");
  const bool answered = client.finish(bytes.substr(0, end)).has_value();
  const bool believed = client.verify(bytes.substr(end + 1)).has_value();
  // The only signature in the corpus that is right; others can not be found by chance.
  if (believed && (!answered || !bytes.contains("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")))
    std::abort();
  return 0;
}
