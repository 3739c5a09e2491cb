#pragma once
#include <re2/re2.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/store/store.hpp"

namespace qw::store {

/// The metric name of a series, as __name__ has it.
std::string metric_name(const Series& series);

/// Compiled regular expressions by pattern; rules ask for the same ones every few seconds.
class Patterns {
 public:
  /// Null when RE2 refuses the pattern.
  std::shared_ptr<const RE2> find(const std::string& pattern);
  std::size_t size() const { return compiled_.size(); }

  static constexpr std::size_t kMaxCached =
      256;  ///< at the cap all are forgotten, so that no one can grow the daemon

 private:
  std::unordered_map<std::string, std::shared_ptr<const RE2>> compiled_;
};

/// The matchers of one selector, ready for use.
class Selector {
 public:
  Selector(std::span<const Matcher> matchers, Patterns& patterns);

  bool matches(const Series& series) const;
  /// Its two halves, for those who look at many series of one name: the matchers of __name__, and the others.
  bool matches_name(std::string_view name) const;
  bool matches_labels(const Series& series) const;
  /// The metric name that every match has, or empty when the matchers do not fix it.
  const std::string& fixed_name() const { return fixed_name_; }

 private:
  struct Compiled {
    const Matcher* matcher;
    std::shared_ptr<const RE2> pattern;
  };
  std::vector<Compiled> of_name_, of_labels_;
  std::string fixed_name_;
};

}  // namespace qw::store
