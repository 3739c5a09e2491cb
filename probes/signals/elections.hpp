#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/signals/roster.hpp"

namespace qw::signals {

/// Counts elections from the epochs that the system counts itself, so that none between two looks is lost,
/// and tells from what was seen in between why each was held. Counting starts with the first epoch that is
/// seen to have a leader.
class Elections {
 public:
  enum Cause : std::uint8_t { planned, unplanned, unknown, failed };
  static constexpr std::array<std::string_view, 4> kCauses{"planned", "unplanned", "unknown", "failed"};

  void begin();
  /// `member` has just said what it says.
  void hear(Member& member);
  void miss(const Member& member);
  /// Counts what this round came to.
  void count(Roster& roster, const Traits& traits, SteadyTime now);

  /// Since the process started. `failed`: epochs that passed without anybody being seen to lead.
  std::uint64_t total(Cause cause) const { return totals_[cause]; }
  /// Elections that gave a leader, of any cause.
  std::uint64_t recent(Nanoseconds window, SteadyTime now) const;
  std::uint64_t regressions() const { return regressions_; }
  /// The newest epoch that is known to have had a leader, in the lineage that most members spoke of in this
  /// round.
  std::optional<std::uint64_t> newest_epoch() const;

 private:
  /// The succession within one lineage.
  struct Line {
    std::string lineage;
    std::uint64_t epoch = 0;            ///< the newest that had a leader
    std::string holder;                 ///< who leads in it
    std::optional<SteadyTime> claimed;  ///< when the holder was last asked and said so at once
    unsigned heard = 0;                 ///< claims of this lineage in this round
    bool fresh = true;  ///< not counted from yet: the newest epoch of its first round is the base
  };
  /// An epoch with a leader that was not known before this round.
  struct Found {
    std::string lineage;
    std::uint64_t epoch;
    std::string holder;
  };
  /// A sole leader where nobody counts epochs.
  struct Sole {
    std::string holder;
    Tenure tenure;
    std::optional<SteadyTime> claimed;
  };
  /// A change of leader that is to be explained.
  struct Change {
    std::string_view from, to;
    std::optional<std::uint64_t> epoch;
    std::optional<SteadyTime> claimed;  ///< of the old leader, in an earlier round
    std::uint64_t rise = 1;
  };
  /// What was seen since the last round in which all was quiet.
  struct Evidence {
    bool handing_over = false;    ///< a leader said that it was told to pass on
    bool lost_leader = false;     ///< the old leader did not answer
    bool lost_member = false;     ///< another member that could lead stopped answering
    bool without_leader = false;  ///< a member that had a leader has none, or stands for election
    Evidence operator|(const Evidence& other) const;
  };

  struct Held {
    SteadyTime at;
    unsigned elections;
  };

  void watch_regression(Member& member, std::uint64_t epoch);
  void watch_line(const Member& member, std::uint64_t epoch);
  void note_evidence(const Member& member);
  bool is_holder(const Member& member) const;

  unsigned count_epochs(Line& line, const Roster& roster, const Traits& traits);
  unsigned count_tenures(const Roster& roster, const Traits& traits);
  Cause explain(const Change& change, const Roster& roster, const Traits& traits) const;
  bool is_quiet(const Roster& roster) const;

  std::vector<Line> lines_;
  std::vector<Found> found_;
  std::optional<Sole> sole_;
  Evidence seen_;    ///< since the last quiet round
  Evidence before_;  ///< in that round
  std::array<std::uint64_t, 4> totals_{};
  std::uint64_t regressions_ = 0;
  std::vector<Held> recent_;
};

}  // namespace qw::signals
