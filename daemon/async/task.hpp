#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

/// Coroutines on the one loop thread. These are the only ways to start one: raw co_spawn and `detached` are
/// banned by tests/lint, because they lose errors (style.md 6).
namespace qw {

namespace asio = boost::asio;
template <class T>
using Task = asio::awaitable<T>;

namespace async {

/// Runs coroutines by name until they end. An exception that escapes one is a bug: it goes to `on_bug` (log,
/// ordered stop), never nowhere. Destroy it last of all that its tasks refer to, after join().
class TaskGroup {
 public:
  using OnBug = std::function<void(std::string_view task, const std::string& what)>;
  TaskGroup(asio::any_io_executor executor, OnBug on_bug);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(std::string name, Task<void> task);
  /// Asks every task to end (terminal cancellation). From now on a task may end with operation_aborted, which
  /// is what Asio throws when a cancelled coroutine awaits again.
  void cancel();
  /// Returns when every task has ended.
  Task<void> join();
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Tasks of all groups that have not ended: one that grows is a leak.
std::size_t live_tasks();

/// `op`, or ErrorKind::timeout once `deadline` has passed. The loser is cancelled and awaited, so `op` must
/// honour cancellation. Errors of `op` are returned at once (awaitable_operators would hide them until the
/// time-out).
template <class T>
Task<Result<T>> with_deadline(Task<Result<T>> op, SteadyTime deadline);

/// Runs all tasks at the same time and returns when the last has ended; results in the order of the tasks.
template <class T>
Task<std::vector<T>> all(std::vector<Task<T>> tasks);

/// False when it was cancelled before the time came.
Task<bool> sleep_until(SteadyTime time);

}  // namespace async
}  // namespace qw

#include "daemon/async/task_impl.hpp"  // IWYU pragma: export
