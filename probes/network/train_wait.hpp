#pragma once
#include <algorithm>
#include <array>
#include <cstddef>

#include "daemon/base/time.hpp"

namespace qw::probes {

/// How long the answers of one way are worth waiting for after its last packet has left: ten times as long as
/// all but one of its last 128 answers took, the time that the peer held them included, and 50 ms at least.
/// What comes later still counts as late, and makes the wait longer. Pure.
class AnswerWait {
 public:
  /// A train begins.
  void begin() {
    if (!late_) penalty_ -= penalty_ / 8;
    late_ = answered_ = false;
  }
  void answered(Nanoseconds after) {
    answered_ = true;
    last_[count_++ % last_.size()] = after;
  }
  /// An answer came after the waiting for it was over.
  void late() {
    if (late_) return;
    late_ = true;
    penalty_ = std::min(2 * wait(), kLongestPenalty);
  }
  /// Where nothing has come back of a train yet, a way may have become slower by far rather than silent.
  Nanoseconds wait() const {
    const Nanoseconds least = answered_ ? kLeast : kLeastOfSilence;
    return std::max({least, kTimes * usual(), penalty_});
  }

  static constexpr int kTimes = 10;
  static constexpr Nanoseconds kLeast = std::chrono::milliseconds(50);
  static constexpr Nanoseconds kLeastOfSilence = std::chrono::milliseconds(250);

 private:
  static constexpr Nanoseconds kLongestPenalty = std::chrono::minutes(1);
  Nanoseconds usual() const {
    const auto known = std::min(count_, last_.size());
    if (known == 0) return Nanoseconds(0);
    auto sorted = last_;
    const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(known);
    const auto at = known > 1 ? end - 2 : sorted.begin();
    std::nth_element(sorted.begin(), at, end);
    return *at;
  }

  std::array<Nanoseconds, 128> last_{};
  std::size_t count_ = 0;  ///< ever
  Nanoseconds penalty_{};
  bool answered_ = false, late_ = false;  ///< in this train
};

}  // namespace qw::probes
