#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/promql/evaluator.hpp"

namespace qw::promql {

/// Selections that were taken out of a source one by one, so that a worker can evaluate over them. What was
/// not taken out is not there, and is noted: whoever does not know beforehand what will be asked evaluates,
/// brings what was missing, and evaluates again. For one thread at a time.
class Gathered final : public Source {
 public:
  Gathered();
  ~Gathered() override;
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;

  void add(const Ask& ask, Selection selection);
  /// What was asked for and is not there, each once; forgets it.
  std::vector<Ask> take_missing();
  std::size_t points() const;

  std::vector<Series> select(std::span<const store::Matcher> matchers, Millis from, Millis to) const override;
  Selection fetch(std::span<const store::Matcher> matchers, Millis from, Millis to, Need need) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Different for different questions.
std::string key_of(std::span<const store::Matcher> matchers, Millis from, Millis to, Source::Need need);

}  // namespace qw::promql
