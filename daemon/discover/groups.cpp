#include "daemon/discover/groups.hpp"

#include <map>
#include <numeric>

namespace qw::discover {

std::vector<std::vector<std::size_t>> group(const std::vector<std::vector<std::string>>& keys) {
  std::vector<std::size_t> first(keys.size());
  std::iota(first.begin(), first.end(), 0U);
  const auto find = [&](std::size_t i) {
    while (first[i] != i) i = first[i] = first[first[i]];
    return i;
  };
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (const auto& key : keys[i]) {
      const auto [known, is_new] = seen.emplace(key, i);
      if (is_new) continue;
      const auto one = find(known->second);
      const auto other = find(i);
      first[std::max(one, other)] = std::min(one, other);
    }
  }
  std::map<std::size_t, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < keys.size(); ++i) groups[find(i)].push_back(i);
  std::vector<std::vector<std::size_t>> out;
  for (auto& [root, members] : groups) out.push_back(std::move(members));
  return out;
}

}  // namespace qw::discover
