#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "daemon/model/facts.hpp"
#include "probes/signals/clock_interval.hpp"

namespace qw::signals {

/// One member's clock as one source shows it, from round to round.
///
/// A reading of a fine clock is narrow by itself, and an older one would be wider by drift than the next
/// (0.5 ms after 5 s), so only those of one round are put together: nothing that happened to the member's
/// clock between two rounds can make the interval a false one. A clock that shows whole seconds becomes
/// narrow only by the readings of several minutes; there a step of less than what is known can go unseen
/// until a reading contradicts, which is why nothing older than kMemory is used.
///
/// What is remembered is held against our monotonic clock, so that a step of our own wall clock is never
/// taken for one of the member's.
class ClockSource {
 public:
  ClockSource(std::string member, std::string source)
      : member_(std::move(member)), source_(std::move(source)) {}

  const std::string& member() const { return member_; }
  const std::string& source() const { return source_; }

  void begin();
  void observe(const ClockReading& reading);
  /// After the last look of the round: what the round says of steps.
  void settle();

  /// How far the clock is ahead of our wall clock; nothing when this round has no reading of it.
  std::optional<ClockInterval> offset(SteadyTime now) const;
  bool seen_this_round() const { return fresh_.has_value(); }
  unsigned rounds_unseen() const { return unseen_; }

  /// A step is counted once, however it is carried out: a server that filters its reference moves in several
  /// jumps over some seconds, and beyond its goal and back.
  std::uint64_t steps_forward() const { return forward_; }
  std::uint64_t steps_backward() const { return backward_; }
  /// It runs so much faster or slower than ours that it must be slewed.
  bool slewing() const { return slewing_; }

 private:
  /// `steady`: remote minus our monotonic clock; what happened between these two is known at `at`.
  struct Seen {
    ClockInterval steady;
    SteadyTime at;
  };
  struct Fresh {
    Seen seen;
    ClockInterval wall;  ///< remote minus our wall clock
    ClockInterval base;  ///< our wall clock minus our monotonic one, as of the last reading
    bool coarse = false;
  };

  ClockInterval remembered(SteadyTime at) const;
  /// By how much the clock moved against ours; the sign is the direction.
  struct Move {
    Nanoseconds by{};
    SteadyTime at;
  };
  void judge_gap(const Move& move, Nanoseconds elapsed);
  void count_pending();
  void count(const Move& move);

  std::string member_, source_;
  std::deque<Seen> memory_;
  std::optional<Fresh> fresh_;
  std::optional<Nanoseconds> jump_;  ///< by which it moved within this round
  std::optional<Move> pending_;      ///< what is either a step or the beginning of a slew
  std::optional<Move> step_;         ///< the last one that was counted, with what belonged to it
  bool slewing_ = false;
  std::uint64_t forward_ = 0, backward_ = 0;
  unsigned unseen_ = 0;
};

}  // namespace qw::signals
