#pragma once
#include <string>

#include "daemon/discover/host_view.hpp"

namespace qw::discover {

/// Looks at /proc under `root` ("/", or where the host's files are mounted). Reads and changes nothing; what
/// it may not read it says in `problems`. Processes without a command line, which are the kernel's, are left
/// out.
HostView read_host(const std::string& root);

}  // namespace qw::discover
