#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/journal/event.hpp"
#include "daemon/rules/rule_engine.hpp"

namespace qw::journal {

/// Finds which alerts became pending, fire, ended or are unknown since the last look. Pure, and reads only:
/// it keeps what the rules made, so that a look costs little where nothing changed.
class AlertWatch {
 public:
  /// More changes of one look are not told; they are counted.
  static constexpr std::size_t kMostEvents = 256;

  /// The alerts of an earlier run, as the rules have restored them: no changes.
  void restored(const rules::RuleEngine& engine) { known_ = read(engine); }
  std::vector<Event> on_cycle(const rules::RuleEngine& engine, WallTime at);

  /// An alert and a state that it is in: target, subject and "firing", "pending" or "unknown".
  using Open = std::set<std::tuple<TargetId, std::string, std::string>>;
  Open open() const;
  std::uint64_t left_out() const { return left_out_; }

 private:
  /// File and group, rule, and which of the rules of this name.
  using Key = std::tuple<std::string, std::string, std::size_t>;
  using All = std::map<Key, rules::AlertStatesPtr>;
  static All read(const rules::RuleEngine& engine);

  All known_;
  std::uint64_t left_out_ = 0;
};

}  // namespace qw::journal
