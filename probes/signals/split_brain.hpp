#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "probes/signals/replication.hpp"
#include "probes/signals/roster.hpp"

namespace qw::signals {

/// Two reigns that are proven to have held at one instant.
struct Overlap {
  std::string older, newer;  ///< members, by the beginning of their reigns
  std::uint64_t older_reign = 0, newer_reign = 0;
  SteadyTime proven_at{};  ///< the last instant at which it is proven
  Nanoseconds at_least{};
  std::optional<Nanoseconds> at_most;     ///< nothing: it may have begun before we did
  bool over = false;                      ///< a look has shown that one of the two no longer leads
  bool judged = false;                    ///< it stands in the totals
  bool harmful = false;                   ///< both could commit, or something is lost whichever survives
  std::optional<std::uint64_t> diverged;  ///< bytes or entries that only one of the two has, when last known
};

/// Which reigns overlapped, for how long, and whether the second leader can do harm (design.md, truth rule
/// 4).
class SplitBrain {
 public:
  /// How long an overlap is remembered after the last instant at which it is proven. It stands for as long
  /// when neither of the two can be asked whether it is over.
  static constexpr Nanoseconds kRemembered = std::chrono::minutes(15);

  void judge(const Roster& roster, const Traits& traits, const Replication& replication, SteadyTime now);

  bool fenced() const { return fenced_; }
  bool unfenced() const { return unfenced_; }
  bool identity() const { return strange_rounds_ >= kRoundsToBelieve; }
  std::uint64_t fenced_total() const { return fenced_total_; }
  std::uint64_t unfenced_total() const { return unfenced_total_; }
  /// The overlap that was found last; null: none is remembered.
  const Overlap* latest() const { return overlaps_.empty() ? nullptr : &overlaps_.back(); }

 private:
  static constexpr unsigned kRoundsToBelieve = 2;
  static constexpr std::size_t kMostOverlaps = 64;

  void count_strangers(const Roster& roster);
  void find_overlaps(const Roster& roster, SteadyTime now);
  void note_overlap(const Member& a, const Member& b, SteadyTime proven_at);
  void weigh(Overlap& overlap, const Roster& roster, const Traits& traits, const Replication& replication);

  std::vector<Overlap> overlaps_;
  unsigned strange_rounds_ = 0;  ///< successive rounds with two lineages
  bool fenced_ = false, unfenced_ = false;
  std::uint64_t fenced_total_ = 0, unfenced_total_ = 0;
};

/// Members to ask again, one after the other in this order: each claims to lead, and it is neither proven nor
/// refuted in this round that it does so beside another. Whoever claimed first comes first: its second claim
/// closes around that of the other.
std::vector<std::string> find_doubtful(const Roster& roster);

}  // namespace qw::signals
