#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace qw {

/// A regular expression in the syntax that Go and Prometheus use (RE2), compiled once and shared by its
/// copies.
class Pattern {
 public:
  /// Errors: config, saying what is wrong with it. `.` matches line breaks too, as in Prometheus 3.
  static Result<Pattern> compile(std::string_view text);

  const std::string& text() const;
  /// Whether it matches the whole of `value`, as in every matcher of Prometheus.
  bool matches(std::string_view value) const;
  /// Whether it matches somewhere in `value`.
  bool found_in(std::string_view value) const;
  /// Where it matches the whole of `value`: `replacement` with $1, ${1}, $name and $$ as Go's regexp.Expand
  /// has them; unknown groups are empty.
  std::optional<std::string> expand(std::string_view value, std::string_view replacement) const;
  /// `value` with every match replaced, as Go's ReplaceAllString.
  std::string replace_all(std::string_view value, std::string_view replacement) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace qw
