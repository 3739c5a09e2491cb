#pragma once
#include <algorithm>
#include <cstdint>

#include "daemon/base/time.hpp"

namespace qw::signals {

/// How many packets may be sent besides those of the schedule: a token bucket over the time that it is told.
/// A network in trouble must not be flooded by those who watch it.
class BurstBudget {
 public:
  static constexpr double kMost = 2000;    ///< packets at once: enough for one verdict
  static constexpr double kASecond = 100;  ///< and in the long run

  void now(SteadyTime time) {
    if (time <= at_) return;
    if (at_ != SteadyTime()) left_ = std::min(kMost, left_ + seconds(time - at_) * kASecond);
    at_ = time;
  }
  void spend(std::uint64_t packets) { left_ = std::max(0.0, left_ - static_cast<double>(packets)); }
  std::uint32_t left() const { return static_cast<std::uint32_t>(left_); }

 private:
  double left_ = kMost;
  SteadyTime at_;
};

}  // namespace qw::signals
