#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/async/worker.hpp"

namespace qw::exporting {

/// Pages built on a worker, each once for all who ask while it is being built. Nothing is kept after that:
/// the next page is fresh. Only when many pages are still being written to slow readers is the newest one
/// handed out again, for at most a second, since otherwise such readers could make the daemon hold any number
/// of them.
class SharedBuilds {
 public:
  using Body = std::shared_ptr<const std::string>;
  struct Plan {
    Plan(std::uint64_t generation_, std::function<std::string()> job_)
        : generation(generation_), job(std::move(job_)) {}
    std::uint64_t generation;          ///< of the data that the job reads
    std::function<std::string()> job;  ///< runs on the worker
  };

  explicit SharedBuilds(async::WorkerPool& pool) : pool_(pool) {}

  /// The page `key`. A build under way serves when it reads the data of `generation`; otherwise the next one
  /// does. `plan` is called on the loop when a build begins. Exceptions of the job come out of the await.
  Task<Body> get(unsigned key, std::uint64_t generation, std::function<Plan()> plan);

 private:
  struct Build;
  struct Slot {
    std::uint64_t builds = 0;  ///< begun so far
    std::shared_ptr<Build> running;
    std::weak_ptr<const std::string> newest;
    SteadyTime newest_at;
  };
  Body newest_if_too_many(const Slot& slot);
  Task<Body> build(Slot& slot, Plan plan);

  async::WorkerPool& pool_;
  std::map<unsigned, Slot> slots_;
  std::vector<std::weak_ptr<const std::string>> alive_;
};

}  // namespace qw::exporting
