#pragma once
#include <chrono>
#include <iosfwd>

#include "daemon/flags.hpp"

namespace qw {

/// The history that the daemon keeps at most: a rule that looks back further never sees all that it asks for.
inline constexpr auto kMostKept = std::chrono::hours(24 * 7);

/// Both print to `out` what is good and to `err` what is not, and return the exit code.
int check_rules_command(const Flags& flags, std::ostream& out, std::ostream& err);
int test_rules_command(const Flags& flags, std::ostream& out, std::ostream& err);
/// Asks the daemon that runs at the first --web.listen-address.
int explain_command(const Flags& flags, std::ostream& out, std::ostream& err);

}  // namespace qw
