#pragma once
#include <iosfwd>

#include "daemon/flags.hpp"

namespace qw {

/// `quorumwatch report`: the incident report from the journal on disk, whether a daemon runs or not. The exit
/// code: 0, 1 where the journal can not be read, 2 where nobody says where it is.
int report_command(const Flags& flags, std::ostream& out, std::ostream& err);

}  // namespace qw
