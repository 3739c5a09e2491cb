#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
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

/// Labels that never change, in one piece of memory: a third of what Labels take, of which there would be
/// very many. Read like Labels; views into it live as long as it does.
class PackedLabels {
 public:
  using Pair = std::pair<std::string_view, std::string_view>;

  explicit PackedLabels(const Labels& labels);
  operator Labels() const;

  /// Empty when the name is not there.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name, std::string_view value) const;

  class Iterator {
   public:
    using value_type = Pair;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Pair operator*() const { return all_->at(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) {
      auto before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class PackedLabels;
    Iterator(const PackedLabels* all, std::uint32_t index) : all_(all), index_(index) {}
    const PackedLabels* all_ = nullptr;
    std::uint32_t index_ = 0;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, count_}; }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  bool operator==(const PackedLabels& other) const;
  std::size_t hash() const;
  /// Of all names and values together.
  std::size_t text_bytes() const { return text().size(); }

 private:
  std::string_view text() const;
  Pair at(std::uint32_t index) const;

  std::uint32_t count_ = 0;
  /// Where each name and each value ends in the text that follows, in turn; then the text.
  std::unique_ptr<std::uint32_t[]> data_;
};

}  // namespace qw
