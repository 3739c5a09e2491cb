// Any bytes as a series of a test script: no crash, no endless memory, and labels that have names.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/promql/parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto series = qw::promql::parse_series({reinterpret_cast<const char*>(data), size});
  if (!series) {
    if (series.error().message.empty() || series.error().span.begin > size) std::abort();
    return 0;
  }
  if (series->values.size() > (std::size_t{1} << 22)) std::abort();
  return 0;
}
