#include "daemon/schedule/slots.hpp"

#include <boost/asio/as_tuple.hpp>

namespace qw::schedule {

Slots::Waiter::Waiter(const asio::any_io_executor& executor)
    : called(executor, asio::steady_timer::time_point::max()) {}

Task<Slots::Held> Slots::acquire() {
  auto self = shared_from_this();
  if (free_ > 0) {
    --free_;
    ++in_use_;
    co_return Held(self);
  }
  Waiter waiter(executor_);
  /// Takes the waiter off the list however its frame ends; a slot that was granted in the same instant is
  /// passed on.
  struct Queued {
    Queued(std::shared_ptr<Slots> slots_, Waiter& waiter_) : slots(std::move(slots_)), waiter(waiter_) {
      slots->waiting_.push_back(&waiter);
    }
    Queued(const Queued&) = delete;
    Queued& operator=(const Queued&) = delete;
    ~Queued() {
      if (waiter.granted && !taken) slots->release();
      if (!waiter.granted) slots->waiting_.remove(&waiter);
    }
    std::shared_ptr<Slots> slots;
    Waiter& waiter;
    bool taken = false;
  } queued(self, waiter);
  co_await waiter.called.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!waiter.granted) co_return Held();
  queued.taken = true;
  co_return Held(self);
}

void Slots::release() {
  if (waiting_.empty()) {
    ++free_;
    --in_use_;
    return;
  }
  // The slot passes to the first in the queue without being free in between, so that nobody overtakes.
  Waiter* next = waiting_.front();
  waiting_.pop_front();
  next->granted = true;
  next->called.cancel();
}

}  // namespace qw::schedule
