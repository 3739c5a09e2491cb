#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/journal/event.hpp"
#include "daemon/journal/picked.hpp"

namespace qw::journal {

/// Finds what changed from one round to the next, and knows what is wrong now. Pure: rounds in, events out.
class Watch {
 public:
  /// More conditions of one target than these are not kept, and more events of one round are not told; what
  /// is left out is counted.
  static constexpr std::size_t kMostConditions = 256;
  static constexpr std::size_t kMostEvents = 64;
  /// A condition that answered rounds say nothing about for so long is given up (a member that was removed).
  static constexpr Nanoseconds kGiveUpAfter = std::chrono::minutes(15);
  /// What flickers is told once rounds so far apart have shown it, and is over once it has not been shown for
  /// so long. Until then it is a condition while it holds, and no event.
  static constexpr Nanoseconds kMatters = std::chrono::seconds(10);

  Watch();
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// What this round changed, in the order of Kind. A failed round begins one condition of the target and
  /// leaves the others open, marked unknown: it proves nothing about them. A first round has conditions, and
  /// nothing that happened: there is nothing to compare it with.
  std::vector<Event> on_round(const Round& round);
  /// What an earlier run left open, as its journal says: events that began something and have no end. They
  /// are conditions again, unknown since `at` until a round speaks of them; of those that rounds have found
  /// meanwhile the beginning is taken over.
  void restore(std::span<const Event> open, WallTime at);
  /// The target is no longer configured: its conditions are over, without an event.
  void forget(const TargetId& target);
  /// They are members no more: what was wrong with them is over.
  std::vector<Event> forget_members(const TargetId& target, std::span<const std::string> members,
                                    WallTime at);
  /// Critical ones first, then those that began first.
  std::vector<Condition> conditions() const;
  /// Conditions and events that the caps have left out since the start.
  std::uint64_t left_out() const { return left_out_; }
  /// Rises with each round that told an event, or in which a condition came or went.
  std::uint64_t changes() const { return changes_; }

 private:
  struct State;
  struct Tell;

  void judge(State& state, const Round& round, Tell& tell);
  bool is_news(const Event& event, const Round& round, SteadyTime before);

  std::map<TargetId, std::shared_ptr<State>> targets_;
  Picker picker_;
  std::map<std::string, SteadyTime> own_steps_;  ///< by direction, until when one was told
  std::uint64_t left_out_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace qw::journal
