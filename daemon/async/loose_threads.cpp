#include "daemon/async/loose_threads.hpp"

#include <thread>
#include <utility>

namespace qw::async {

void LooseThreads::start(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  std::thread([this, work = std::move(work)]() mutable {
    work();
    work = nullptr;
    const std::lock_guard lock(mutex_);
    --running_;
    gone_.notify_all();
  }).detach();
}

bool LooseThreads::ended(Nanoseconds patience) {
  std::unique_lock lock(mutex_);
  return gone_.wait_for(lock, patience, [this] { return running_ == 0; });
}

}  // namespace qw::async
