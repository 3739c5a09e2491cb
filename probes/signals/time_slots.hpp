#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/base/time.hpp"

namespace qw::signals {

/// What was counted in the last `kSlots` slices of time, the present one among them: a window that moves on
/// by one slice at a time. Time comes with each call and never goes back.
template <class Slot, std::size_t kSlots>
class TimeSlots {
 public:
  explicit TimeSlots(Nanoseconds width) : width_(width) {}

  /// The slice of `now`; those that have left the window are empty again.
  Slot& at(SteadyTime now) {
    move_to(now);
    return slots_[static_cast<std::size_t>(last_ % static_cast<std::int64_t>(kSlots))];
  }
  /// Those of the window that ends with `now`, in no order.
  const std::array<Slot, kSlots>& window(SteadyTime now) {
    move_to(now);
    return slots_;
  }

 private:
  void move_to(SteadyTime now) {
    const std::int64_t number = now.time_since_epoch() / width_;
    if (number <= last_) return;
    const auto passed = std::min(number - last_, static_cast<std::int64_t>(kSlots));
    for (std::int64_t i = 0; i < passed; ++i) {
      slots_[static_cast<std::size_t>((number - i) % static_cast<std::int64_t>(kSlots))] = Slot();
    }
    last_ = number;
  }

  Nanoseconds width_;
  std::int64_t last_ = 0;
  std::array<Slot, kSlots> slots_{};
};

}  // namespace qw::signals
