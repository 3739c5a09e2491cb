#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace qw::net {

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(std::string_view bytes);

/// Whether both are the same, in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace qw::net
