#pragma once
#include <cstddef>
#include <string_view>

#include "daemon/status/html.hpp"

namespace qw::status {

/// The rows of a list that ends after so many rows or bytes, and then says how many more there are. The page
/// stays small whatever the targets say.
class RowList {
 public:
  struct Limits {
    std::size_t rows;
    std::size_t bytes;
  };
  RowList(Html& html, Limits limits) : html_(html), limits_(limits) {}

  /// False: there is no room for it, nor for any after it. `write(Html&)` writes the row.
  template <class Write>
  bool add(Write write) {
    Html row;
    full_ = full_ || rows_ == limits_.rows;
    if (!full_) write(row);
    full_ = full_ || bytes_ + row.size() > limits_.bytes;
    if (full_) return false;
    bytes_ += row.size();
    ++rows_;
    html_.append(row);
    return true;
  }
  std::size_t rows() const { return rows_; }
  /// After the list: "and 12 more", if `total` is more than were added.
  void finish(Html& html, std::size_t total, std::string_view where = {}) const;

 private:
  Html& html_;
  Limits limits_;
  std::size_t rows_ = 0, bytes_ = 0;
  bool full_ = false;
};

}  // namespace qw::status
