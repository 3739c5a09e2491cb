#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/base/time.hpp"
#include "daemon/promql/gathered.hpp"
#include "daemon/promql/store_source.hpp"
#include "daemon/rules/rule_group.hpp"

namespace qw {

/// Takes what rules ask for out of the store: on the loop, but in pieces, between which others get their
/// turn. All rules of one cycle see the store as it was when the cycle began, and what several of them select
/// is taken once.
class RuleData {
 public:
  RuleData(asio::any_io_executor executor, const Clock& clock, store::Store& store, promql::StoreIndex& index,
           Nanoseconds line)
      : executor_(std::move(executor)), clock_(clock), store_(store), index_(index), line_(line) {}

  /// A cycle begins. Returns what was remembered of the one before, as letting go of that takes a while.
  std::shared_ptr<const void> begin();
  /// The answers to `asks`, with what the group has written in this cycle on top.
  Task<void> gather(const rules::ActiveGroup& group, std::vector<promql::Ask> asks, promql::Gathered& into);
  /// Gives the loop back when it was held for long enough.
  Task<void> breathe();
  /// Others have just had their turn.
  void rested() { slice_ = clock_.steady(); }

 private:
  asio::any_io_executor executor_;
  const Clock& clock_;
  store::Store& store_;
  promql::StoreIndex& index_;
  Nanoseconds line_;
  SteadyTime slice_;
  using Taken = std::unordered_map<std::string, promql::Source::Selection>;
  Taken taken_;
  std::size_t points_ = 0;  ///< in `taken_`
};

}  // namespace qw
