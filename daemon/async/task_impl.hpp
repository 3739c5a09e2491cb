#pragma once
// Template bodies of task.hpp.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

namespace qw::async {

template <class T>
Task<Result<T>> with_deadline(Task<Result<T>> op, SteadyTime deadline) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::time_point_cast<asio::steady_timer::duration>(deadline));
  // The results travel through this frame, as parallel_group wants default-constructible ones.
  std::optional<Result<T>> result;
  auto carry = [](Task<Result<T>> inner, std::optional<Result<T>>& into) -> Task<void> {
    into.emplace(co_await std::move(inner));
  };
  auto group = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, carry(std::move(op), result), asio::deferred),
      timer.async_wait(asio::deferred));
  auto ended = co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  const auto& [order, thrown, timer_error] = ended;
  if (order[0] == 1 && !timer_error) co_return fail(ErrorKind::timeout, "deadline exceeded");
  if (thrown) std::rethrow_exception(thrown);
  co_return std::move(*result);
}

template <class T>
Task<std::vector<T>> all(std::vector<Task<T>> tasks) {
  auto executor = co_await asio::this_coro::executor;
  std::vector<std::optional<T>> slots(tasks.size());
  auto carry = [](Task<T> inner, std::optional<T>& into) -> Task<void> {
    into.emplace(co_await std::move(inner));
  };
  using Op = decltype(asio::co_spawn(executor, std::declval<Task<void>>(), asio::deferred));
  std::vector<Op> ops;
  ops.reserve(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    ops.push_back(asio::co_spawn(executor, carry(std::move(tasks[i]), slots[i]), asio::deferred));
  }
  std::vector<T> results;
  if (ops.empty()) co_return results;
  auto group = asio::experimental::make_parallel_group(std::move(ops));
  auto ended = co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const auto& thrown : std::get<1>(ended)) {
    if (thrown) std::rethrow_exception(thrown);
  }
  results.reserve(slots.size());
  for (auto& slot : slots) results.push_back(std::move(*slot));
  co_return results;
}

}  // namespace qw::async
