#pragma once
#include <string>
#include <vector>

#include "daemon/discover/finding.hpp"
#include "daemon/discover/host_view.hpp"

namespace qw::discover {

/// A commented quorumwatch.yml: what was found, what was not, and what is left to the user. Whatever servers
/// and files say comes out as harmless text.
std::string write(const HostView& view, std::vector<Finding> findings);

}  // namespace qw::discover
