#include "daemon/watchdog.hpp"

namespace qw {

std::string_view Watchdog::stuck_part(const Progress& progress, SteadyTime now) const {
  if (now - progress.loop > period_ / 2) return "event loop";
  if (progress.rules && now - *progress.rules > period_) return "rules";
  if (progress.state && now - *progress.state > 2 * period_) return "state of alerts";
  return "";
}

bool Watchdog::feed(const Progress& progress, SteadyTime now) {
  if (!watched()) return false;
  stuck_ = stuck_part(progress, now);
  if (!stuck_.empty() || (fed_ && now - *fed_ < period_ / 2)) return false;
  fed_ = now;
  return true;
}

}  // namespace qw
