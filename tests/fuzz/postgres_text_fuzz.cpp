// What is read is within its bounds, and a history ascends.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "probes/wire/postgres_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)qw::wire::parse_lsn(text);
  if (const auto timeline = qw::wire::timeline_of_segment(text); timeline == 0u) std::abort();
  const auto history = qw::wire::parse_timeline_history(text);
  if (!history) return 0;
  std::uint32_t last = 0;
  for (const auto& one : *history) {
    if (one.timeline <= last) std::abort();
    last = one.timeline;
  }
  return 0;
}
