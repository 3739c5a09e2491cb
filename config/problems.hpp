#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace qw::config {

/// Where something stands in a text; both count from 1. Line 0 is the text as a whole.
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;
  bool operator==(const Place&) const = default;
};

/// Collects the problems of one file.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void add(Place place, std::string_view path, std::string_view text);
  /// Counts what was added, recorded or not.
  std::size_t count() const { return count_; }
  bool full() const { return found_.size() >= kMaxRecorded; }
  /// In the order of the file, each once: an alias shows the same place to the reader twice.
  std::vector<Problem> take();

 private:
  static constexpr std::size_t kMaxRecorded = 1000;
  std::string file_;
  std::vector<Problem> found_;
  std::size_t count_ = 0;
};

/// "targets[0]" and "name" make "targets[0].name".
std::string join_path(std::string_view path, std::string_view key);
std::string join_path(std::string_view path, std::size_t index);

/// What the user wrote, made fit for a message: in quotes, on one line, cut when it is long.
std::string quote(std::string_view text, std::size_t longest = 60);

}  // namespace qw::config
