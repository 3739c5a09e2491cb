#include "daemon/async/worker.hpp"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace qw::async {
namespace {

/// One call of run(). The worker touches `work` and `thrown` before it posts, the loop `ended` and `done`
/// only; the post orders the two.
struct Job {
  Job(const asio::any_io_executor& executor, std::function<void()> work_)
      : work(std::move(work_)), ended(executor, asio::steady_timer::time_point::max()) {}

  std::function<void()> work;
  std::exception_ptr thrown;
  std::atomic<bool> abandoned = false;  // nobody waits any more: not worth starting
  asio::steady_timer ended;             // cancelled when the job has ended
  bool done = false;
};

/// Tells the worker that the awaiting coroutine is gone, whichever way it went.
class Waiting {
 public:
  explicit Waiting(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  ~Waiting() { job_->abandoned = true; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::shared_ptr<Job> job_;
};

void perform(Job& job) {
  if (job.abandoned) return;
  try {
    job.work();
  } catch (...) {
    job.thrown = std::current_exception();
  }
  job.work = nullptr;
}

}  // namespace

struct WorkerPool::Impl {
  void push(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex);
      queue.push_back(std::move(job));
    }
    wake.notify_one();
  }

  void work() {
    for (;;) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      auto job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;
};

WorkerPool::WorkerPool(unsigned threads) : impl_(std::make_unique<Impl>()) {
  for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

Task<void> WorkerPool::run(std::function<void()> work) {
  auto executor = co_await asio::this_coro::executor;
  auto job = std::make_shared<Job>(executor, std::move(work));
  const Waiting waiting(job);
  impl_->push([executor, job]() mutable {
    perform(*job);
    // The last reference, and with it the timer, must go on the loop.
    asio::post(executor, [job = std::move(job)] {
      job->done = true;
      job->ended.cancel();
    });
  });
  co_await job->ended.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!job->done) throw boost::system::system_error(asio::error::operation_aborted);
  if (job->thrown) std::rethrow_exception(job->thrown);
}

}  // namespace qw::async
