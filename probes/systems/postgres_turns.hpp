#pragma once
#include <functional>
#include <memory>

#include "daemon/async/task.hpp"

namespace qw::probes {

/// Takes libpq's turns of a handshake off the loop. How long one lasts is for the server to say: it names the
/// rounds of hashing, and libpq does a billion of them if told to. Nothing can end that, so nobody waits for
/// it: not the member's round, not a reload, and not the end of the process.
class PostgresTurns {
 public:
  PostgresTurns();
  ~PostgresTurns();  ///< does not wait
  PostgresTurns(const PostgresTurns&) = delete;
  PostgresTurns& operator=(const PostgresTurns&) = delete;

  /// Runs `turn` on a thread of its own and resumes the caller on its loop. Cancelled, the caller is resumed
  /// at once with system_error(operation_aborted), and the turn goes on at a low priority; it owns all
  /// that it touches. Error: too many turns are going on that nobody waits for.
  Task<Result<void>> run(std::function<void()> turn);

 private:
  class Turn;
  struct Count;
  std::shared_ptr<Count> count_;
};

/// Waits for the threads of all turns, at most so long; whether they have ended.
bool wait_for_postgres_turns(Nanoseconds patience);

}  // namespace qw::probes
