#pragma once
#include <cstddef>

namespace qw::exporting {

/// More than the longest value needs ("-2.2250738585072014e-308").
inline constexpr std::size_t kMaxNumber = 32;

/// The shortest text that reads back as the same double, as both text formats want it: whole numbers as
/// digits,
/// "+Inf", "-Inf", "NaN". Writes at most kMaxNumber bytes and returns the end.
char* write_number(char* out, double value);

}  // namespace qw::exporting
