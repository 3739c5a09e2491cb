// Any bytes as what a daemon says of its placed targets: no crash, no time that lies in the future, and what
// is believed can be printed and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/placement/claims.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto claims = qw::placement::read_claims(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!claims) return 0;
  qw::placement::Standings standings;
  for (const auto& [target, claim] : *claims) {
    if (claim.taken < qw::Nanoseconds{} || claim.last_round < qw::Nanoseconds{}) std::abort();
    standings[target] = {.decided = true, .here = true};
  }
  const auto again = qw::placement::read_claims(qw::placement::print_claims("", standings, *claims));
  if (again && again->size() != claims->size()) std::abort();
  return 0;
}
