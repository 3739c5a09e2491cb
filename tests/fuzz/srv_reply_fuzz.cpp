// Any bytes as a DNS message: no crash, no endless name, and what is believed can be looked up and shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/net/srv_reply.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto reply = qw::net::read_srv_reply(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!reply) return 0;
  if (reply->services.empty() || reply->services.size() > qw::net::kMaxServices) std::abort();
  if (reply->ttl < qw::Nanoseconds(0) || reply->ttl > std::chrono::hours(24)) std::abort();
  for (const auto& service : reply->services) {
    if (service.host.empty() || service.host.size() > 255) std::abort();
    for (const char c : service.host) {
      if (c <= ' ' || c == '\x7f' || (c >= 'A' && c <= 'Z')) std::abort();
    }
  }
  return 0;
}
