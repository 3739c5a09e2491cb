#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace qw {

/// A flag of a row (wires, clocks): 1, and not only known.
inline bool is_set(const std::optional<double>& flag) {
  return flag.value_or(0) == 1;
}

/// Adds to a list such as "packets are lost on the way there; the peer holds packets".
inline void add_words(std::string& out, bool holds, std::string_view words) {
  if (!holds) return;
  if (!out.empty()) out += "; ";
  out += words;
}

}  // namespace qw
