#pragma once
#include <string>

#include "daemon/model/round.hpp"

namespace qw {

/// One round for a person on call: who leads, in which epoch, who is behind, who did not answer and why. What
/// is not known is
/// '?', with a note that says why. `color`: with terminal colours.
std::string print_round(const Round& round, bool color);

}  // namespace qw
