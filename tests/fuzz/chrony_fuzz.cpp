// What is read of a chronyd is finite, and its texts are harmless.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "daemon/base/text.hpp"
#include "probes/wire/chrony.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::wire;
  const auto bytes = std::as_bytes(std::span(data, size));
  (void)answers_chrony_request(bytes, ChronyCommand::tracking, 0x01020304);
  if (const auto tracking = parse_chrony_tracking(bytes)) {
    require(std::isfinite(tracking->correction) && std::isfinite(tracking->root_dispersion));
    require(!tracking->leap || (*tracking->leap >= -1 && *tracking->leap <= 1));
  }
  if (const auto count = parse_chrony_source_count(bytes)) require(*count <= 64);
  if (const auto source = parse_chrony_source(bytes)) {
    require(qw::is_valid_utf8(source->name) && std::isfinite(source->offset));
  }
  return 0;
}
