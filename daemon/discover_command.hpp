#pragma once
#include <iosfwd>

#include "daemon/flags.hpp"

namespace qw {

/// `quorumwatch discover`: a commented configuration of what runs on this host. Reads files and connects to
/// nothing. The exit code: 0, 1 where it can not be written, 2 where there is no /proc.
int discover_command(const Flags& flags, std::ostream& out, std::ostream& err);

}  // namespace qw
