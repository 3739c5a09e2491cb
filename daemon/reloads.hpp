#pragma once
#include <cstdint>
#include <functional>

#include "daemon/async/task.hpp"

namespace qw {

/// Runs reloads one at a time. However many are asked for while one runs, one more follows, since that one
/// sees all that was written before the last request.
class Reloads {
 public:
  using Work = std::function<Task<Result<void>>()>;
  Reloads(const asio::any_io_executor& executor, Work work);

  /// For a signal: nobody waits.
  void request();
  /// For an HTTP request: the outcome of a reload that began after the call.
  Task<Result<void>> request_and_wait();
  /// Does the work; runs until it is cancelled.
  Task<void> run();

 private:
  Task<bool> wait(bool (Reloads::*ready)(std::uint64_t) const, std::uint64_t ticket);
  bool wanted(std::uint64_t /*unused*/) const { return done_ < wanted_; }
  bool finished(std::uint64_t ticket) const { return done_ >= ticket; }

  Work work_;
  asio::steady_timer changed_;  ///< cancelled whenever one of the counts changes
  std::uint64_t wanted_ = 0;
  std::uint64_t done_ = 0;
  bool running_ = false;
  Result<void> last_;
};

}  // namespace qw
