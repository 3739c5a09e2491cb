// The state of alerts on disk: what is accepted is exactly what would be written again. The checksum is set
// right first, so that what lies behind it is reached.
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/rules/state_file.hpp"

namespace {

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

void look(std::string_view bytes) {
  auto state = qw::rules::decode_state(bytes);
  if (!state) return;
  if (qw::rules::encode_state(*state) != bytes) std::abort();
  qw::rules::resume_state(*state, 1'700'000'000'000, "boot", 5);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  look(bytes);
  look(fmt::format("quorumwatch-alerts 1\n{:08x} {:016x}\n{}", crc32c(bytes), bytes.size(), bytes));
  return 0;
}
