#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/async/task.hpp"
#include "probes/target.hpp"

namespace qw::schedule {

// The arithmetic is pure.

/// The first due time of a target: on a fixed grid of `interval` from the clock's epoch, with a phase from
/// the hash of its name, so that targets are spread and a target keeps its phase over restarts.
SteadyTime first_due(SteadyTime now, Nanoseconds interval, std::uint64_t seed);
/// The next due time after a round: always on the grid, always after `now`; `missed` is how many were
/// skipped.
SteadyTime next_due(SteadyTime due, SteadyTime now, Nanoseconds interval, std::uint64_t& missed);

/// One line of the schedule.
struct Entry {
  TargetId id;
  std::uint64_t fingerprint = 0;  ///< equal fingerprints: the running target, its history and phase are kept
  Nanoseconds interval{};
  Nanoseconds timeout{};
  std::function<Result<std::unique_ptr<probes::Target>>()>
      make;  ///< called only when the target is not running yet
  /// Where only this differs, the running target goes on with another probe from its next round on.
  std::uint64_t members_fingerprint = 0;
  std::function<Result<std::unique_ptr<probes::Probe>>()> make_probe = {};  ///< called only for that
};

/// Told what happens; all calls come on the loop.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(const TargetId& id, Nanoseconds late) = 0;
  virtual void on_missed(const TargetId& id, std::uint64_t rounds) = 0;
  /// `due`: when the round should have begun.
  virtual void on_round(RoundPtr round, SteadyTime due) = 0;
  virtual void on_removed(const TargetId& id) = 0;
  /// From now on its rounds ask other members.
  virtual void on_exchanged(const TargetId& id) { static_cast<void>(id); }
};

/// Runs every target on its grid: at most one round of a target at a time, missed rounds counted and never
/// caught up, one slow target delays nobody.
class Scheduler {
 public:
  /// Rounds that may run at a time; the rest wait their turn, first come first served, and are late.
  static constexpr std::size_t kMaxInFlight = 512;
  /// How far a round may outlive its deadline before it is cancelled: its probe has a bug then.
  static constexpr Nanoseconds kGrace = std::chrono::milliseconds(100);

  Scheduler(asio::any_io_executor executor, const Clock& clock, Observer& observer,
            async::TaskGroup::OnBug on_bug, std::size_t max_in_flight = kMaxInFlight);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Replaces the whole schedule in one step: either every entry could be made and the new schedule runs, or
  /// the old one stays and the errors are returned.
  std::vector<Error> replace(std::vector<Entry> entries);
  /// Ends all rounds and returns when they have ended.
  Task<void> stop();
  std::size_t in_flight() const;
  std::size_t size() const;

 private:
  struct State;
  struct Runner;
  std::shared_ptr<State> state_;
};

}  // namespace qw::schedule
