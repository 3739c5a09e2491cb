#include "daemon/model/labels.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

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

PackedLabels::PackedLabels(const Labels& labels) : count_(static_cast<std::uint32_t>(labels.size())) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : labels) bytes += name.size() + value.size();
  const std::size_t ends = labels.size() * 2;
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  data_ = std::make_unique_for_overwrite<std::uint32_t[]>(ends + (bytes + kWord - 1) / kWord);
  auto* const text = reinterpret_cast<char*>(data_.get() + ends);
  std::uint32_t at = 0;
  std::size_t part = 0;
  for (const auto& [name, value] : labels) {
    for (const std::string* one : {&name, &value}) {
      std::memcpy(text + at, one->data(), one->size());
      at += static_cast<std::uint32_t>(one->size());
      data_[part++] = at;
    }
  }
}

/// Names and values in turn.
std::string_view PackedLabels::text() const {
  if (count_ == 0) return {};
  const std::size_t ends = std::size_t{count_} * 2;
  return {reinterpret_cast<const char*>(data_.get() + ends), data_[ends - 1]};
}

bool PackedLabels::operator==(const PackedLabels& other) const {
  return count_ == other.count_ && text() == other.text() &&
         std::equal(data_.get(), data_.get() + std::size_t{count_} * 2, other.data_.get());
}

std::size_t PackedLabels::hash() const {
  return std::hash<std::string_view>()(text());
}

PackedLabels::operator Labels() const {
  std::vector<Labels::Pair> pairs;
  pairs.reserve(count_);
  for (const auto& [name, value] : *this) pairs.emplace_back(name, value);
  return Labels(std::move(pairs));
}

PackedLabels::Pair PackedLabels::at(std::uint32_t index) const {
  const auto* const text = reinterpret_cast<const char*>(data_.get() + std::size_t{count_} * 2);
  const std::uint32_t begin = index == 0 ? 0 : data_[std::size_t{index} * 2 - 1];
  const std::uint32_t middle = data_[std::size_t{index} * 2];
  const std::uint32_t end = data_[std::size_t{index} * 2 + 1];
  return {{text + begin, middle - begin}, {text + middle, end - middle}};
}

std::string_view PackedLabels::get(std::string_view name) const {
  for (const auto& [label, value] : *this) {
    if (label == name) return value;
  }
  return {};
}

bool PackedLabels::has(std::string_view name, std::string_view value) const {
  for (const auto& [label, text] : *this) {
    if (label == name) return text == value;
  }
  return false;
}

}  // namespace qw
