// A reply that is read has times in order and a claim that is no nonsense.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "daemon/base/text.hpp"
#include "probes/wire/ntp.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::wire;
  const auto bytes = std::as_bytes(std::span(data, size));
  constexpr qw::WallTime kNear{std::chrono::seconds(1'800'000'000)};
  (void)answers_ntp_request(bytes, 0x1112131415161718);
  const auto reply = parse_ntp_reply(bytes, kNear);
  if (!reply) {
    require(qw::is_valid_utf8(reply.error().message()));
    return 0;
  }
  require(reply->received <= reply->transmitted && reply->stratum <= 16);
  require(reply->precision > qw::Nanoseconds{} && reply->root_distance() >= qw::Nanoseconds{});
  return 0;
}
