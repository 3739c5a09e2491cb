// Any bytes as a reply of any kind (the first byte picks the request, the second its version): no crash, and
// never more values than bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/unit/wire/kafka_any_reply.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::wire::kafka;
  if (size < 2) return 0;
  const auto apis = supported_apis();
  const ApiSupport& api = apis[data[0] % apis.size()];
  const int versions = api.versions.highest - api.versions.lowest + 1;
  const auto version = static_cast<std::int16_t>(api.versions.lowest + data[1] % versions);
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);

  const auto values = count_values(api.api, version, bytes);
  if (values && *values > size) std::abort();
  const auto head = read_reply_head(api.api, version, bytes);
  if (head && head->body.size() > size) std::abort();
  (void)read_frame_size(bytes, 1 << 20);
  const auto assignment = read_assignment(bytes);
  if (assignment && assignment->all_partitions.size() + assignment->topics.size() > size) std::abort();
  return 0;
}
