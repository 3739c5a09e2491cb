#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/signals/clock_agreement.hpp"
#include "probes/signals/clock_own.hpp"
#include "probes/signals/clock_profiles.hpp"

/// What is exported of clocks, and the judgement against the limits of a profile.
namespace qw::signals {

/// All that one round knows of a member's clock.
struct ClockOfMember {
  struct OneSource {
    std::string source;
    ClockInterval offset;
  };
  std::string member;
  std::vector<OneSource> sources = {};
  std::optional<ClockVerdict> verdict = std::nullopt;  ///< nothing: it did not show its clock in this round
  std::uint64_t steps_forward = 0, steps_backward = 0;
  bool slewing = false;
};

/// Of every member that should have shown its clock.
void add_clock_samples(std::span<const ClockOfMember> members, const ClockProfile& profile, Samples& out);
/// What a member says of its own clock.
void add_claim_samples(const ClockState& claim, Samples& out);
void add_own_clock_samples(const OwnClock& own, Samples& out);

}  // namespace qw::signals
