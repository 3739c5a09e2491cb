#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace qw::discover {

/// Puts together what shares a key, directly or through others: lists of indexes, in the order of their
/// first.
std::vector<std::vector<std::size_t>> group(const std::vector<std::vector<std::string>>& keys);

}  // namespace qw::discover
