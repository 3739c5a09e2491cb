#pragma once
#include <span>
#include <string_view>

namespace qw {

/// The whole program: reads the flags and does what they say. `args` without the program's name; the exit
/// code: 0 good, 1 a bug or a lost resource, 2 bad usage or configuration.
int program(std::span<const std::string_view> args);

}  // namespace qw
