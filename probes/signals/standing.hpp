#pragma once
#include <optional>
#include <string>

#include "probes/signals/roster.hpp"

namespace qw::signals {

/// Who leads and who stands behind it, as far as this round tells. What it does not tell is nothing, never 0.
struct Standing {
  bool anybody = false;  ///< somebody answered with a claim that says yes or no
  /// Who claims to lead, in the newest tenure of those that do; null: nobody.
  const Member* leader = nullptr;
  /// How many are proven to have led at one instant. 0 takes more than silence: see standing.cpp.
  std::optional<unsigned> leaders;
  /// Somebody leads: by its own claim, or a majority of the voters follows one member that has not denied it.
  bool led = false;
  /// How many different leaders the members name in the newest epoch in which they name any.
  std::optional<unsigned> views;

  unsigned voters = 0;      ///< 0: nobody votes here, or nobody says
  unsigned responsive = 0;  ///< voters that would form a quorum now
  unsigned reticent = 0;    ///< voters that answer but do not tell whom they follow: perhaps responsive too
  /// Nothing: it hangs on those that do not tell.
  std::optional<int> failures_tolerated() const;
};

Standing find_standing(const Roster& roster);

/// How many votes `leader` has: members that vote and name it in its own epoch, itself among them.
unsigned support(const Member& leader, const Roster& roster);
constexpr unsigned majority(unsigned voters) {
  return voters / 2 + 1;
}

}  // namespace qw::signals
