#include "daemon/reloads.hpp"

#include <boost/asio/as_tuple.hpp>

namespace qw {

Reloads::Reloads(const asio::any_io_executor& executor, Work work)
    : work_(std::move(work)), changed_(executor, asio::steady_timer::time_point::max()) {}

void Reloads::request() {
  // A request that has not begun yet serves this caller too.
  wanted_ = done_ + (running_ ? 2 : 1);
  changed_.cancel();
}

Task<Result<void>> Reloads::request_and_wait() {
  request();
  const auto ticket = wanted_;
  const bool done = co_await wait(&Reloads::finished, ticket);
  if (!done) co_return fail(ErrorKind::canceled, "stopping");
  co_return last_;
}

Task<void> Reloads::run() {
  while (true) {
    const bool asked = co_await wait(&Reloads::wanted, 0);
    if (!asked) co_return;
    running_ = true;
    last_ = co_await work_();
    running_ = false;
    ++done_;
    changed_.cancel();
  }
}

/// False when the caller was cancelled.
Task<bool> Reloads::wait(bool (Reloads::*ready)(std::uint64_t) const, std::uint64_t ticket) {
  while (!(this->*ready)(ticket)) {
    co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return false;
  }
  co_return true;
}

}  // namespace qw
