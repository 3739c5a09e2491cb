#pragma once
#include <string>
#include <string_view>

namespace qw {

/// The script that completes commands, flags and their values in `shell` (bash, zsh or fish), made from the
/// same tables as --help. Empty for any other shell.
std::string print_completion(std::string_view shell);

}  // namespace qw
