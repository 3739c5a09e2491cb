#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/signals/end_history.hpp"

namespace qw::signals {

/// What our wall clock is ahead of our monotonic one: relates stamps of messages to our own history.
struct ClockTie {
  Nanoseconds ahead;
  WallTime wall(SteadyTime t) const { return WallTime(t.time_since_epoch() + ahead); }
  SteadyTime steady(WallTime t) const { return SteadyTime(t.time_since_epoch() - ahead); }
};

/// What the logs answered to "the first message at or after T?", for one partition. Each answer is a truth
/// that every group profits from: all messages before `offset` are stamped before `at`, and the one there is
/// stamped `timestamp`. A message came no earlier than the youngest stamp up to it, however disordered stamps
/// are.
class OffsetTruths {
 public:
  static constexpr std::size_t kMostTruths = 64;

  /// The youngest stamp up to a message lies in [from, until), as stamps say.
  struct Bracket {
    std::optional<WallTime> from, until;
    /// Nothing is to be learnt by asking for anything before this.
    std::optional<WallTime> searched;
  };

  /// `end`: where the log ended at least, when it was asked. `look` numbers the looks.
  void add(const OffsetAt& answer, std::uint64_t end, std::uint32_t look);
  /// Stamps after `latest`, when we know the message to have been there, are wrong and are not believed.
  Bracket bracket(std::uint64_t offset, WallTime latest, std::uint32_t look);
  /// Learns how far stamps are off, where we saw the message come ourselves.
  void compare(const EndHistory& history, const OffsetAt& answer, const ClockTie& tie);
  /// What lay beyond `end` is gone.
  void truncate(std::uint64_t end);
  std::size_t size() const { return truths_.size(); }
  /// The first message that is there, if it was asked for.
  std::optional<std::uint64_t> oldest() const { return oldest_; }

  /// How far stamps were seen to lie before and after the instants at which we saw their messages come.
  Nanoseconds early() const { return early_; }
  Nanoseconds late() const { return late_; }

 private:
  struct Truth {
    std::uint64_t offset;
    WallTime at, timestamp;
    std::uint32_t used;
  };
  std::vector<Truth> truths_;  // by offset, then by at
  std::optional<std::uint64_t> oldest_;
  Nanoseconds early_{}, late_{};
};

enum class DatedBy : std::uint8_t {
  history,    ///< between two looks at the end of the log
  bisection,  ///< by the stamps of messages
  at_least,   ///< it was there at our first look; nobody knows for how long
};

/// When a message came.
struct Dated {
  SteadyTime earliest, latest, about;
  DatedBy by = DatedBy::at_least;
};

/// How wrong a lag may be: what a person calls the same number.
Nanoseconds tolerance(Nanoseconds age);

/// When the message at `offset` came, as far as history and truths say; nothing: it has not come yet. `near`:
/// see EndHistory::passed().
std::optional<Dated> date(const EndHistory& history, OffsetTruths* truths, const std::optional<ClockTie>& tie,
                          std::uint64_t offset, SteadyTime now, std::uint32_t look,
                          std::size_t* near = nullptr);

/// The instant to ask for, so as to date the message better; nothing: it is dated well enough, or no answer
/// would help.
std::optional<WallTime> next_question(const EndHistory& history, OffsetTruths* truths,
                                      const std::optional<ClockTie>& tie, std::uint64_t offset,
                                      SteadyTime now, std::uint32_t look);

/// The instant that no message is older than.
constexpr WallTime kBeforeAll{};

}  // namespace qw::signals
