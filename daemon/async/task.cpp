#include "daemon/async/task.hpp"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <map>

namespace qw::async {
namespace {

// Atomic, as tests have loops in several threads.
std::atomic<std::size_t> live = 0;

}  // namespace

struct TaskGroup::State {
  struct Running {
    std::string name;
    asio::cancellation_signal cancel;
  };
  State(asio::any_io_executor executor_, OnBug on_bug_)
      : executor(std::move(executor_)), on_bug(std::move(on_bug_)), idle(executor) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { live -= running.size(); }

  asio::any_io_executor executor;
  OnBug on_bug;
  std::map<std::uint64_t, Running> running;
  std::uint64_t spawned = 0;
  bool cancelled = false;
  asio::steady_timer idle;  // cancelled whenever the last task ends
};

TaskGroup::TaskGroup(asio::any_io_executor executor, OnBug on_bug)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_bug))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, Task<void> task) {
  const auto number = ++state_->spawned;
  ++live;
  auto& self = state_->running[number];
  self.name = std::move(name);
  // The handler keeps the state alive: a task may end after its group is gone, when the loop is torn down.
  auto ended = [state = state_, number](const std::exception_ptr& thrown) {
    const std::string task_name = std::move(state->running.extract(number).mapped().name);
    --live;
    if (state->running.empty()) state->idle.cancel();
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& error) {
      // This is how an await that comes after the cancellation ends its task.
      const bool asked_to_end = state->cancelled && error.code() == asio::error::operation_aborted;
      if (!asked_to_end) state->on_bug(task_name, error.what());
    } catch (const std::exception& bug) {
      state->on_bug(task_name, bug.what());
    } catch (...) {
      state->on_bug(task_name, "unknown exception");
    }
  };
  asio::co_spawn(state_->executor, std::move(task),
                 asio::bind_cancellation_slot(self.cancel.slot(), std::move(ended)));
}

void TaskGroup::cancel() {
  state_->cancelled = true;
  // Each signal in a handler of its own, because a task may end while it is being told to.
  for (auto& [number, task] : state_->running) {
    asio::post(state_->executor, [state = state_, number] {
      const auto found = state->running.find(number);
      if (found != state->running.end()) found->second.cancel.emit(asio::cancellation_type::terminal);
    });
  }
}

Task<void> TaskGroup::join() {
  auto state = state_;
  while (!state->running.empty()) {
    state->idle.expires_at(asio::steady_timer::time_point::max());
    co_await state->idle.async_wait(asio::as_tuple(asio::use_awaitable));
    auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != asio::cancellation_type::none) co_return;
  }
}

std::size_t TaskGroup::size() const {
  return state_->running.size();
}

std::size_t live_tasks() {
  return live;
}

Task<bool> sleep_until(SteadyTime time) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::time_point_cast<asio::steady_timer::duration>(time));
  auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

}  // namespace qw::async
