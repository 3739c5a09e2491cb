#pragma once
#include <string_view>

namespace qw {

/// Of this program, from CMakeLists.txt: "0.1.0".
std::string_view version();
/// The commit that was configured, abbreviated; "unknown" outside a checkout.
std::string_view revision();

}  // namespace qw
