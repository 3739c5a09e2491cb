#include "probes/signals/rebalances.hpp"

#include <utility>

namespace qw::signals {

void Rebalances::observe(const ConsumerGroup& group) {
  const auto now = group.asked.received;
  if (going_on_ && now > last_look_) lasted_ += now - last_look_;
  last_look_ = now;
  just_now_ = false;
  if (group.state == ConsumerState::rebalancing) {
    just_now_ = true;
    if (!going_on_) begin(now);
    going_on_ = true;
    return;  // members come and go until it is over
  }
  const bool was_going_on = std::exchange(going_on_, false);
  if (!group.generation) return;
  const bool changed = generation_ && generation_ != group.generation;
  generation_ = group.generation;
  just_now_ = was_going_on || changed;
  if (changed && !was_going_on) begin(now);
}

bool Rebalances::storm(SteadyTime now, Nanoseconds window) const {
  return count_ >= times_.size() && now - times_.front() <= window;
}

void Rebalances::begin(SteadyTime now) {
  ++count_;
  times_ = {times_[1], times_[2], now};
}

}  // namespace qw::signals
