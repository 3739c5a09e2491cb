#pragma once
#include <functional>
#include <memory>

#include "daemon/async/task.hpp"

namespace qw::async {

/// A few threads for work of more than a millisecond over immutable data (a large page, gzip, bcrypt).
/// Nothing that runs here may touch what belongs to the loop.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned threads);
  ~WorkerPool();  ///< waits for the jobs that run
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `job` on a worker and resumes the caller on the loop. Exceptions of the job come out of the await.
  /// When the caller is cancelled it is resumed at once with system_error(operation_aborted); a job that runs
  /// ends in its own time (so it owns all that it touches), one that waits is never started. The loop
  /// outlives the pool.
  Task<void> run(std::function<void()> job);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::async
