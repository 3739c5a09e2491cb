#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/rules/alert_state.hpp"

/// What the daemon remembers of its alerts from one run to the next.
namespace qw::rules {

/// The alerts of one rule, found again by the names of its group and of itself and by its labels.
struct SavedRule {
  std::string group;
  std::string rule;
  std::string labels;  ///< print_labels_of()
  std::vector<ActiveAlert> alerts;
  bool operator==(const SavedRule&) const = default;
};

struct SavedState {
  Millis at = 0;         ///< on the time line of the run that saved it
  std::string boot_id;   ///< of the machine's boot; empty: not known
  Millis boot_time = 0;  ///< since that boot, sleep included (CLOCK_BOOTTIME)
  std::vector<SavedRule> rules;
  bool operator==(const SavedState&) const = default;
};

/// While an alert is pending the state is saved this often, so that its age is known that exactly.
inline constexpr Millis kStateRefresh = 5'000;
/// Across a reboot wall time is all there is; a step of the clock while the daemon is down counts at most as
/// this much downtime.
inline constexpr Millis kMostDowntime = 3'600'000;

/// A text with version, length and CRC32C, so that nothing torn or foreign is ever taken for a state.
std::string encode_state(const SavedState& state);
Result<SavedState> decode_state(std::string_view bytes);

/// Moves the state to the time line of this run: `now` is the present on it, `boot_id` and `boot_time` those
/// of the machine. Within one boot the downtime is exact whatever the wall clock did; otherwise it is the
/// wall clock's difference, at least 0 and at most kMostDowntime. It does not count towards `for` and
/// keep_firing_for, except for kStateRefresh, by which it may be overestimated.
void resume_state(SavedState& state, Millis now, std::string_view boot_id, Millis boot_time);

}  // namespace qw::rules
