#include "daemon/promql/source.hpp"

#include <functional>
#include <utility>

namespace qw::promql {
namespace {

/// Spreads every bit over all of them (the finalizer of SplitMix64), so that sums of hashes do not collide.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t hash_name(std::string_view name) {
  return mixed(std::hash<std::string_view>()(name));
}

std::uint64_t hash_pair(std::string_view name, std::string_view value) {
  return mixed(hash_name(name) + std::hash<std::string_view>()(value));
}

SeriesLabels::SeriesLabels(Labels all) {
  bool empty_values = false;
  for (const auto& [name, value] : all) empty_values |= value.empty();
  if (empty_values) {
    std::vector<Labels::Pair> kept;
    for (const auto& pair : all) {
      if (!pair.second.empty()) kept.push_back(pair);
    }
    all = Labels(std::move(kept));
  }
  labels = std::move(all);
  hashes.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    if (name == "__name__") name_index = hashes.size();
    hashes.push_back({.name = hash_name(name), .pair = hash_pair(name, value)});
    hash += hashes.back().pair;
  }
}

SeriesLabelsPtr share(Labels labels) {
  return std::make_shared<const SeriesLabels>(std::move(labels));
}

Source::Selection Source::fetch(std::span<const store::Matcher> matchers, Millis from, Millis to,
                                Need /*need*/) const {
  return std::make_shared<const std::vector<Series>>(select(matchers, from, to));
}

}  // namespace qw::promql
