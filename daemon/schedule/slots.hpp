#pragma once
#include <cstddef>
#include <list>
#include <memory>

#include "daemon/async/task.hpp"

namespace qw::schedule {

/// A fixed number of rounds may run at a time; who comes first is served first. Shared with the rounds, which
/// may be torn down with the loop after the scheduler is gone.
class Slots : public std::enable_shared_from_this<Slots> {
 public:
  Slots(asio::any_io_executor executor, std::size_t count) : executor_(std::move(executor)), free_(count) {}

  /// Gives the slot back when it goes.
  class Held {
   public:
    Held() = default;
    explicit Held(std::shared_ptr<Slots> slots) : slots_(std::move(slots)) {}
    Held(Held&&) noexcept = default;
    Held& operator=(Held&&) = delete;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
      if (slots_) slots_->release();
    }
    explicit operator bool() const { return slots_ != nullptr; }

   private:
    std::shared_ptr<Slots> slots_;
  };

  /// An empty Held when the caller was cancelled while it waited.
  Task<Held> acquire();
  std::size_t in_use() const { return in_use_; }

 private:
  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor);
    asio::steady_timer called;
    bool granted = false;
  };
  void release();

  asio::any_io_executor executor_;
  std::size_t free_;
  std::size_t in_use_ = 0;
  std::list<Waiter*> waiting_;  // each lives in the frame of its coroutine
};

}  // namespace qw::schedule
