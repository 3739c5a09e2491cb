#pragma once
#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace qw {

/// Sorts by what the projection makes of each element; equal ones keep their order. The library's own
/// stable_sort does not compile with clang and libstdc++ 12: it uses something deprecated.
template <class T, class Projection>
void sort_stably(std::vector<T>& list, Projection projection) {
  std::vector<std::size_t> places(list.size());
  std::iota(places.begin(), places.end(), std::size_t(0));
  std::ranges::sort(places, {},
                    [&](std::size_t at) { return std::pair(std::invoke(projection, list[at]), at); });
  std::vector<T> sorted;
  sorted.reserve(list.size());
  for (const auto at : places) sorted.push_back(std::move(list[at]));
  list = std::move(sorted);
}

}  // namespace qw
