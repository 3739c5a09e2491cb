// Any bytes as what a Prometheus says of its rules: no crash, and no age that lies in the future.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/notify/prometheus_watch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto health = qw::notify::read_rules_reply(body, qw::WallTime(std::chrono::seconds(1795213540)));
  if (!health) return 0;
  if (health->interval < qw::Nanoseconds{}) std::abort();
  if (health->last_evaluation && *health->last_evaluation < qw::Nanoseconds{}) std::abort();
  return 0;
}
