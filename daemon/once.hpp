#pragma once
#include <iosfwd>

#include "config/config.hpp"
#include "daemon/flags.hpp"

namespace qw {

/// `quorumwatch once`: measures each target, or the named one, and prints what was found. 0: all could be
/// asked; 1: some could not; 2: there is no such target.
int run_once(const Flags& flags, const config::Config& config, std::ostream& out, std::ostream& err,
             bool color);

}  // namespace qw
