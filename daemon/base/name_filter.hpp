#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"

namespace qw {

/// Which names are wanted: those that an `include` pattern matches (all, where there is none) and no
/// `exclude` pattern does. Patterns are RE2 and match the whole name.
class NameFilter {
 public:
  NameFilter() = default;
  /// Errors: config, naming the pattern and what is wrong with it.
  static Result<NameFilter> make(const std::vector<std::string>& include,
                                 const std::vector<std::string>& exclude);

  bool wants(std::string_view name) const;

 private:
  struct Patterns;
  std::shared_ptr<const Patterns> patterns_;  // null: everything is wanted
};

}  // namespace qw
