#pragma once
#include <cstdint>

#include "daemon/base/time.hpp"
#include "probes/signals/time_slots.hpp"

namespace qw::signals {

/// Whether a way loses many packets in bursts, minutes apart: what LossTest takes for few events. Judges the
/// last half hour by its minutes, which are held against each other: the more unequal they are, the less is
/// known. Feed it packets of the schedule only, as those sent after a loss see more of the same.
class LossSpread {
 public:
  void look(SteadyTime now, std::uint64_t sent, std::uint64_t lost);
  /// The loss is nearer to harmful than to harmless, by 2.5 standard errors and over at least six minutes.
  bool confirmed(SteadyTime now);
  /// In the window.
  std::uint64_t packets(SteadyTime now);

 private:
  struct Minute {
    std::uint64_t sent = 0, lost = 0;
  };
  TimeSlots<Minute, 30> minutes_{std::chrono::minutes(1)};
};

}  // namespace qw::signals
