#pragma once
#include <string>

#include "daemon/model/facts.hpp"

namespace qw::probes {

/// The clock of this machine as a reading of itself: a probe whose own machine is one of the members adds it,
/// so that our clock has a vote among theirs.
inline ClockReading read_own_clock(std::string member, const Clock& clock) {
  const SteadyTime steady = clock.steady();
  const WallTime wall = clock.wall();
  return {.member = std::move(member),
          .source = "own",
          .asked = {steady, steady},
          .local_sent = wall,
          .local_received = wall,
          .remote = wall,
          .resolution = {},
          .remote_sent = wall};
}

}  // namespace qw::probes
