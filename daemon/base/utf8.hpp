#pragma once
#include <cstddef>
#include <string_view>

namespace qw {

/// One character of UTF-8 text.
struct CodePoint {
  char32_t value = 0;    ///< U+FFFD where the bytes are not UTF-8
  std::size_t size = 1;  ///< bytes to step over; at least 1
  bool valid = false;
};

/// The character at the start of `text`, which must not be empty. Overlong forms, surrogates and values above
/// U+10FFFF are not valid (RFC 3629 section 4).
CodePoint next_code_point(std::string_view text);

/// True for what moves a cursor, breaks a line or reorders text: C0, DEL, C1, the line separators and the
/// bidirectional overrides. Such characters from a target must reach neither terminal nor log as they are.
bool is_control(char32_t value);

}  // namespace qw
