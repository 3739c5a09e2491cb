#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"

namespace qw::signals {

/// What a clock offset does to one kind of system, and from where on. Where each figure comes from stands
/// beside it in clock_profiles.cpp (facts/network-and-clock.md 5).
struct ClockProfile {
  std::string_view name;  ///< the word under `clock_profile:`
  Nanoseconds warning{};  ///< look into it
  /// The system stops, refuses or loses data; nothing: it never does, the profile is advice.
  std::optional<Nanoseconds> critical;
  std::string_view harm;  ///< a clause for people: "a node stops itself at 0.4 s (80 % of --max-offset)"

  /// By this limit a clock is proved skewed or proved in sync.
  Nanoseconds limit() const { return critical.value_or(warning); }
};

/// All of them; the first, "default", serves where nothing is said.
std::span<const ClockProfile> clock_profiles();
/// The default one for an empty or unknown name.
const ClockProfile& clock_profile(std::string_view name);
/// All limits in one sentence each, for the configuration reference.
const std::string& describe_clock_profiles();

}  // namespace qw::signals
