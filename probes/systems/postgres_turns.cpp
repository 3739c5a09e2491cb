#include "probes/systems/postgres_turns.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <mutex>
#include <utility>

#include "daemon/async/loose_threads.hpp"

namespace qw::probes {
namespace {

// More servers than this that make us hash without end, in one target, are no accident.
constexpr int kMostAbandoned = 8;
constexpr int kLowPriority = 10;

async::LooseThreads& threads() {
  static auto& all = async::LooseThreads::make();
  return all;
}

}  // namespace

struct PostgresTurns::Count {
  std::atomic<int> abandoned = 0;
};

/// What the thread shares with whoever waits for it. The timer, and the loop that it belongs to, may be gone
/// long before the thread is done.
class PostgresTurns::Turn {
 public:
  Turn(std::shared_ptr<Count> count, asio::steady_timer& ended) : count_(std::move(count)), ended_(&ended) {}

  /// On the thread, before and after its work.
  void begin() {
    const std::lock_guard lock(mutex_);
    thread_ = ::gettid();
    if (ended_ == nullptr) yield_to_others();
  }
  static void end(const std::shared_ptr<Turn>& self) {
    const std::lock_guard lock(self->mutex_);
    self->over_ = true;
    if (self->ended_ == nullptr) {
      --self->count_->abandoned;
      return;
    }
    // As long as somebody waits there is a loop to post to.
    asio::post(self->ended_->get_executor(), [self] {
      if (self->ended_ != nullptr) self->ended_->cancel();
    });
  }

  /// On the loop. Whether the turn is over; if not, it goes on and nobody waits for it.
  bool leave() {
    const std::lock_guard lock(mutex_);
    ended_ = nullptr;
    if (over_) return true;
    ++count_->abandoned;
    if (thread_ != 0) yield_to_others();
    return false;
  }

 private:
  void yield_to_others() const { ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread_), kLowPriority); }

  std::shared_ptr<Count> count_;
  std::mutex mutex_;
  asio::steady_timer* ended_;  // null: nobody waits any more; changed by the loop alone
  pid_t thread_ = 0;           // 0: it has not begun
  bool over_ = false;
};

PostgresTurns::PostgresTurns() : count_(std::make_shared<Count>()) {}
PostgresTurns::~PostgresTurns() = default;

Task<Result<void>> PostgresTurns::run(std::function<void()> work) {
  if (count_->abandoned >= kMostAbandoned) {
    co_return fail(ErrorKind::rejected, "too many servers ask for more hashing than a login may take");
  }
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer ended(executor, asio::steady_timer::time_point::max());
  const auto turn = std::make_shared<Turn>(count_, ended);
  /// Leaves the turn to itself, whichever way this goes.
  struct Waiting {
    explicit Waiting(std::shared_ptr<Turn> its) : turn(std::move(its)) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() {
      if (turn) turn->leave();
    }
    std::shared_ptr<Turn> turn;
  } waiting(turn);
  threads().start([turn, work = std::move(work)]() mutable {
    turn->begin();
    work();
    work = nullptr;  // what it owns is used by the one who waits from now on
    Turn::end(turn);
  });
  co_await ended.async_wait(asio::as_tuple(asio::use_awaitable));
  waiting.turn = nullptr;
  if (!turn->leave()) throw boost::system::system_error(asio::error::operation_aborted);
  co_return Result<void>();
}

bool wait_for_postgres_turns(Nanoseconds patience) {
  return threads().ended(patience);
}

}  // namespace qw::probes
