#include "daemon/model/labels.hpp"

#include <algorithm>

namespace qw {

Labels::Labels(std::initializer_list<Pair> pairs) : Labels(std::vector<Pair>(pairs)) {}

Labels::Labels(std::vector<Pair> pairs) {
  pairs_.reserve(pairs.size());
  for (auto& [name, value] : pairs) set(name, value);
}

void Labels::set(std::string_view name, std::string_view value) {
  auto at = std::ranges::lower_bound(pairs_, name, {}, &Pair::first);
  if (at != pairs_.end() && at->first == name) {
    at->second = value;
  } else {
    pairs_.emplace(at, name, value);
  }
}

std::string_view Labels::get(std::string_view name) const {
  auto at = std::ranges::lower_bound(pairs_, name, {}, &Pair::first);
  return at != pairs_.end() && at->first == name ? std::string_view(at->second) : std::string_view();
}

}  // namespace qw
