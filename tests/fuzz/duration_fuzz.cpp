// Durations: what is read is printed as something that is read as the same value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/base/duration.hpp"
#include "daemon/base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = qw::parse_duration(text);
  if (!read) {
    if (!qw::is_valid_utf8(read.error().message()) || read.error().message().size() > 300) std::abort();
    return 0;
  }
  const auto again = qw::parse_duration(qw::format_duration(*read));
  if (!again || *again != *read || read->count() < 0) std::abort();
  return 0;
}
