#pragma once
#include <array>
#include <cstddef>

#include "daemon/base/time.hpp"
#include "probes/signals/time_slots.hpp"

namespace qw::signals {

/// Whether the round trips to a member have become longer than they used to be: a sequential test (CUSUM) of
/// each against a running centre and spread. One that is very far off is enough, as are several that are
/// somewhat off.
class DelayShift {
 public:
  void add(Nanoseconds value);
  /// More round trips would tell an outlier from a change.
  bool suspicious() const;
  /// They have come: what is there now is the usual, whatever it is.
  void settle() { sum_ = 0; }

 private:
  static constexpr std::size_t kHistory = 16;  ///< fewer round trips are no history
  void begin();

  std::array<double, kHistory> first_{};
  std::size_t seen_ = 0;            ///< of these
  double centre_ = 0, spread_ = 0;  ///< in ns
  double sum_ = 0;                  ///< in spreads
};

/// One part of the way: the wire, or the peer that holds a packet, or ourselves that send it late. Slow is
/// what takes half as long again, and half a millisecond more, than at its best within the last hour. It is
/// judged by what nine of ten of the last packets keep to: starved processes are late only now and then.
class DelayPart {
 public:
  void add(Nanoseconds value);
  bool known() const { return count_ >= kLeast; }
  /// Call it once a round.
  bool slow(SteadyTime now);

 private:
  static constexpr std::size_t kLast = 32, kLeast = 8;
  struct Best {
    Nanoseconds value = Nanoseconds::max();
  };
  Nanoseconds nine_of_ten() const;

  std::array<Nanoseconds, kLast> last_{};
  std::size_t count_ = 0;  ///< ever
  TimeSlots<Best, 12> best_{std::chrono::minutes(5)};
};

}  // namespace qw::signals
