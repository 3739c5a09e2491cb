#pragma once
#include <memory>
#include <span>
#include <vector>

#include "daemon/promql/source.hpp"

namespace qw::promql {

/// Remembers what was selected from another source, so that all rules of one cycle select the same only once.
/// For one thread; the source must not change while it is used, and live longer.
class SelectionCache final : public Source {
 public:
  explicit SelectionCache(const Source& source);
  ~SelectionCache() override;
  SelectionCache(const SelectionCache&) = delete;
  SelectionCache& operator=(const SelectionCache&) = delete;

  std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from, Millis to) const override;
  Selection fetch(std::span<const store::Matcher> matchers, Millis from, Millis to, Need need) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::promql
