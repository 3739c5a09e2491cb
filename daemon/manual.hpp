#pragma once
#include <string>

namespace qw {

/// The manual page quorumwatch(1), made from the same tables as --help.
std::string print_manual();

}  // namespace qw
