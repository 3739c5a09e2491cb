// Accept and Accept-Encoding headers, as any client may send them.
#include <cstddef>
#include <cstdint>

#include "daemon/export/page.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  (void)qw::exporting::negotiate_format(header);
  (void)qw::exporting::accepts_gzip(header);
  return 0;
}
