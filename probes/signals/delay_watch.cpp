#include "probes/signals/delay_watch.hpp"

#include <algorithm>
#include <cmath>

namespace qw::signals {
namespace {

/// Differences below this are the scheduler's, not the network's.
constexpr double kLeastSpread = 20'000;  // ns
/// A round trip counts by what it exceeds the centre by beyond so many spreads, and never for more than one
/// can prove.
constexpr double kAllowance = 4, kMostOfOne = 12, kEnough = 10;
constexpr double kSlowness = 1.0 / 16;

constexpr Nanoseconds kLeastExcess = std::chrono::microseconds(500);

}  // namespace

void DelayShift::add(Nanoseconds value) {
  const auto x = static_cast<double>(value.count());
  if (seen_ < kHistory) {
    first_[seen_++] = x;
    if (seen_ == kHistory) begin();
    return;
  }
  const double off = x - centre_;
  const double spread = std::max(spread_, kLeastSpread);
  sum_ = std::max(0.0, sum_ + std::min(off / spread - kAllowance, kMostOfOne));
  // Outliers move the history a little and no more.
  centre_ += std::clamp(off, -3 * spread, 3 * spread) * kSlowness;
  spread_ += (std::min(std::abs(off), 3 * spread) - spread_) * kSlowness;
}

/// The first packets are the slowest (addresses are looked up, code is loaded): medians pass them over.
void DelayShift::begin() {
  const auto middle = first_.begin() + kHistory / 2;
  std::ranges::nth_element(first_, middle);
  centre_ = *middle;
  for (auto& x : first_) x = std::abs(x - centre_);
  std::ranges::nth_element(first_, middle);
  spread_ = *middle;
}

bool DelayShift::suspicious() const {
  return sum_ > kEnough;
}

void DelayPart::add(Nanoseconds value) {
  last_[count_++ % kLast] = value;
}

Nanoseconds DelayPart::nine_of_ten() const {
  auto sorted = last_;
  const auto size = std::min(count_, kLast);
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(size * 9 / 10);
  std::nth_element(sorted.begin(), at, sorted.begin() + static_cast<std::ptrdiff_t>(size));
  return *at;
}

bool DelayPart::slow(SteadyTime now) {
  if (!known()) return false;
  const auto present = nine_of_ten();
  auto& slot = best_.at(now);
  slot.value = std::min(slot.value, present);
  auto best = present;
  for (const auto& past : best_.window(now)) best = std::min(best, past.value);
  return present - best >= std::max(kLeastExcess, best / 2);
}

}  // namespace qw::signals
