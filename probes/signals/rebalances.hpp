#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "daemon/model/facts.hpp"

namespace qw::signals {

/// The rebalances of one group, as far as looks show them. One that begins and ends between two looks is seen
/// by what it left behind, and takes no time.
class Rebalances {
 public:
  void observe(const ConsumerGroup& group);
  std::uint64_t count() const { return count_; }
  Nanoseconds lasted() const { return lasted_; }
  bool going_on() const { return going_on_; }
  /// One was going on or had passed at the last look.
  bool just_now() const { return just_now_; }
  /// Three within the window: the group does little else.
  bool storm(SteadyTime now, Nanoseconds window) const;

 private:
  void begin(SteadyTime now);

  std::optional<std::uint64_t> generation_;
  SteadyTime last_look_;
  std::array<SteadyTime, 3> times_{};  // the newest last
  std::uint64_t count_ = 0;
  Nanoseconds lasted_{};
  bool going_on_ = false, just_now_ = false;
};

}  // namespace qw::signals
