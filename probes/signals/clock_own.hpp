#pragma once
#include <cstdint>
#include <optional>

#include "daemon/model/facts.hpp"

namespace qw::signals {

/// What happens to the clocks of this machine: set by hand or by a daemon, or stopped while the machine
/// slept. A slew moves all three clocks alike and is not seen here.
class OwnClock {
 public:
  void observe(const LocalClocks& clocks);

  bool known() const { return last_.has_value(); }
  std::uint64_t steps_forward() const { return forward_; }
  std::uint64_t steps_backward() const { return backward_; }
  /// How long the machine was suspended since the first look.
  Nanoseconds suspended() const { return suspended_; }

 private:
  std::optional<LocalClocks> last_;
  std::uint64_t forward_ = 0, backward_ = 0;
  Nanoseconds suspended_{};
};

}  // namespace qw::signals
