#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qw {

/// Label pairs in order of name, each name once.
class Labels {
 public:
  using Pair = std::pair<std::string, std::string>;

  Labels() = default;
  Labels(std::initializer_list<Pair> pairs);
  explicit Labels(std::vector<Pair> pairs);

  /// Adds the pair, or replaces the value of a name that is there.
  void set(std::string_view name, std::string_view value);
  /// Empty when the name is not there, as in PromQL.
  std::string_view get(std::string_view name) const;

  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }
  std::size_t size() const { return pairs_.size(); }
  bool empty() const { return pairs_.empty(); }
  auto operator<=>(const Labels&) const = default;

 private:
  std::vector<Pair> pairs_;
};

}  // namespace qw
