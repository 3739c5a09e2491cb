#include "probes/network/clock_bound.hpp"

#include <sys/timex.h>

namespace qw::probes {

wire::ErrorEstimate own_clock_bound() {
  timex told{};
  const int state = ::adjtimex(&told);
  if (state < 0 || state == TIME_ERROR || (told.status & STA_UNSYNC) != 0) return {};
  return {.synchronised = true, .ptp = false, .bound = std::chrono::microseconds(told.maxerror)};
}

}  // namespace qw::probes
