#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>

#include "daemon/base/time.hpp"

namespace qw::async {

/// Threads that nobody can end and nobody waits for: what they do takes as long as a server likes. They own
/// all that they touch, and must not run while static objects go (ProbeKind::threads_ended).
class LooseThreads {
 public:
  /// Never destroyed: a thread may outlive every static object. One of them for each kind of work.
  static LooseThreads& make() { return *new LooseThreads; }
  LooseThreads(const LooseThreads&) = delete;
  LooseThreads& operator=(const LooseThreads&) = delete;

  /// What `work` owns goes on its thread, before the thread counts as ended.
  void start(std::function<void()> work);
  /// Waits for all of them, at most so long; whether they have ended.
  bool ended(Nanoseconds patience);

 private:
  LooseThreads() = default;

  std::mutex mutex_;
  std::condition_variable gone_;
  std::size_t running_ = 0;
};

}  // namespace qw::async
