// A reply is read as it was written, a reflector's marks stay within the packet, its second word on an answer
// is read as it was written, and an estimate that is read is never smaller when it is written again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "probes/wire/icmp.hpp"
#include "probes/wire/ntp_time.hpp"
#include "probes/wire/stamp.hpp"

namespace {

using namespace qw;

void reply(std::span<const std::byte> bytes) {
  const auto read = wire::read_stamp_reply(bytes);
  if (!read) return;
  std::vector<std::byte> written(std::min(bytes.size(), wire::kStampSize));
  wire::write_stamp_reply(*read, written);
  const auto again = wire::read_stamp_reply(written);
  if (!again || *again != *read) std::abort();
  const WallTime near(std::chrono::hours(480'000));
  const auto time = wire::from_ntp_time(read->timestamp, near);
  const auto back = wire::from_ntp_time(wire::to_ntp_time(time), near);
  if (back != time) std::abort();
  (void)wire::from_ptp_time(read->received, near);
  const auto estimate = wire::decode_error_estimate(read->error_estimate);
  const auto said = wire::decode_error_estimate(wire::encode_error_estimate(estimate));
  if (said.synchronised != estimate.synchronised || said.ptp != estimate.ptp) std::abort();
  if (estimate.bound && said.bound && *said.bound < *estimate.bound) std::abort();
}

/// What a reflector writes into a question is what the sender reads, and a reflected packet is never asked
/// for more than it was.
void extensions(std::span<const std::byte> bytes) {
  (void)wire::read_follow_up(bytes);
  std::vector<std::byte> reflected(bytes.begin(), bytes.end());
  const wire::FollowUp said{.sequence = 7, .timestamp = 8, .method = wire::StampMethod::software};
  const bool asked = wire::mark_stamp_extensions(reflected, said);
  const auto heard = wire::read_follow_up(reflected);
  if (heard && (!asked || *heard != said)) std::abort();
  const bool again = wire::mark_stamp_extensions(reflected, said);
  if (again != asked) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  (void)wire::read_stamp_request(bytes);
  reply(bytes);
  for (const bool v6 : {false, true}) {
    (void)wire::read_echo_reply(bytes, v6);
    (void)wire::read_echo_reply(bytes, v6, true);
  }
  extensions(bytes);
  return 0;
}
