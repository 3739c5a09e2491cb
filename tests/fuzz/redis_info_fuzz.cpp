// Any text as the reply to INFO: no crash, and no replica that no line names.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "probes/wire/redis_reply.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  qw::wire::RedisInfo info;
  qw::wire::read_redis_info(text, info);
  (void)qw::wire::read_sentinel_tilt(text);
  if (std::cmp_greater(info.replicas.size(), std::count(text.begin(), text.end(), ':'))) std::abort();
  return 0;
}
