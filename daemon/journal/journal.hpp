#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/async/worker.hpp"
#include "daemon/journal/event.hpp"
#include "daemon/journal/journal_files.hpp"
#include "daemon/journal/journal_search.hpp"

namespace qw::journal {

/// The newest events, in order of time; immutable.
using EventsPtr = std::shared_ptr<const std::vector<Event>>;

/// What the daemon remembers of what changed: the newest events in memory, all of some days on disk, in files
/// that together never exceed a bound. Lives on the loop; a worker writes.
class Journal {
 public:
  struct Options {
    Options() = default;
    std::string folder;  ///< of the files; empty: in memory alone
    JournalFiles::Limits limits;
    std::size_t recent = 1000;  ///< events kept in memory
  };
  struct Stats {
    std::uint64_t written = 0;  ///< events on disk since the start
    std::uint64_t dropped = 0;  ///< events that could not be written, or for which there was no room to wait
    std::uint64_t skipped = 0;  ///< lines of earlier runs that were torn or damaged
    std::uint64_t errors = 0;   ///< writes that failed; they are tried again
    std::size_t bytes = 0;      ///< of all files
    std::string last_error;     ///< empty: the last write succeeded
  };
  /// What earlier runs left.
  struct Past {
    std::vector<Event> open;             ///< what began and did not end
    std::optional<WallTime> last_alive;  ///< when an earlier run was last known to live
  };
  Journal(async::WorkerPool& pool, Options options);
  ~Journal();

  /// Called once, by run(), when the past is known.
  void on_loaded(std::function<void(const Past&)> tell);
  void set_limits(const JournalFiles::Limits& limits);

  /// Never blocks and never fails: what can not be written is counted.
  void add(std::vector<Event> events);
  /// Reads what earlier runs left, then writes what comes until it is cancelled; spawned once.
  Task<void> run();
  /// The last write, after run() has ended.
  Task<void> flush();

  /// The same object until an event comes.
  EventsPtr recent() const;
  /// From memory where that is enough, else from the files, on a worker. One at a time reads them: errors are
  /// rejected, while another does, and as read_journal().
  Task<Result<Found>> search(Search wanted) const;
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::journal
