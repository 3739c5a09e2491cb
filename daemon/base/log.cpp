#include "daemon/base/log.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <limits>
#include <memory>
#include <mutex>

#include "daemon/base/log_line.hpp"

namespace qw::log {
namespace {

constexpr std::size_t kQueue = 1024;  // each place takes 400 bytes from the start
constexpr auto kStopWithin = std::chrono::seconds(1);
constexpr auto kLookAgain = std::chrono::milliseconds(50);
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// Writes each line to standard error as soon as it comes, on the log's own thread. A reader that does not
// read holds up only this thread, and that only until give_up_at().
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void give_up_at(std::chrono::steady_clock::time_point at) { give_up_at_ = at.time_since_epoch().count(); }
  std::uint64_t lost() const { return lost_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    line += '\n';
    if (!write_all(line)) ++lost_;
  }
  void flush_() override {}

  // Standard error is shared with whoever started us, so it must not be made non-blocking. A pipe that poll()
  // calls writable takes PIPE_BUF bytes without blocking (pipe(7)).
  bool write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!wait_writable()) return false;
      const ssize_t written =
          ::write(STDERR_FILENO, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
      if (written < 0 && errno != EINTR && errno != EAGAIN) return false;
      if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  bool wait_writable() {
    for (;;) {
      // Once it is time to give up, thousands of lines may still be queued: each gets a look, none a wait.
      const bool last_look = std::chrono::steady_clock::now().time_since_epoch().count() >= give_up_at_;
      pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      if (::poll(&standard_error, 1, last_look ? 0 : static_cast<int>(kLookAgain.count())) > 0) return true;
      if (last_look) return false;
    }
  }

  std::atomic<std::int64_t> give_up_at_ = kNever;  // steady clock, ns
  std::atomic<std::uint64_t> lost_ = 0;
};

// No signal is for the log's thread; above all not SIGPIPE, which a reader that went away would cause.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// spdlog's default policy would block the caller when the queue is full (facts/reliability-and-security.md 0,
// finding 9).
struct Running {
  explicit Running(const Options& given)
      : options(given),
        sink(std::make_shared<StderrSink>()),
        pool(std::make_shared<spdlog::details::thread_pool>(kQueue, 1, block_signals)),
        logger(std::make_shared<spdlog::async_logger>("quorumwatch", sink, pool,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {
    logger->set_level(spdlog::level::trace);
    // The default handler prints to standard error, and so would block where the sink does not.
    logger->set_error_handler([](const std::string&) {});
  }
  ~Running() {
    sink->give_up_at(std::chrono::steady_clock::now() + kStopWithin);
    // Writes the queue and joins. The logger goes after that, here, and never on the pool's thread with the
    // last message.
    pool.reset();
    logger.reset();
  }
  std::uint64_t dropped() const { return pool->overrun_counter() + sink->lost(); }

  Options options;
  std::shared_ptr<StderrSink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

// A log is the one thing that everybody may reach from everywhere, and from the worker threads too: hence a
// mutex, held only while a pointer is copied.
struct Log {
  std::mutex mutex;
  std::shared_ptr<Running> running;
  std::uint64_t dropped_before = 0;

  std::shared_ptr<Running> current() {
    const std::lock_guard lock(mutex);
    return running;
  }
};

Log& the_log() {
  static Log log;
  return log;
}

}  // namespace

void start(const Options& options) {
  stop();
  auto running = std::make_shared<Running>(options);
  const std::lock_guard lock(the_log().mutex);
  the_log().running = std::move(running);
}

void stop() {
  std::shared_ptr<Running> running;
  {
    const std::lock_guard lock(the_log().mutex);
    running = std::move(the_log().running);
    the_log().running = nullptr;
  }
  if (!running) return;
  const auto sink = running->sink;
  // Nothing overruns the queue from here on: only the end is queued, and that waits for room.
  const std::uint64_t overrun = running->pool->overrun_counter();
  running.reset();
  const std::lock_guard lock(the_log().mutex);
  the_log().dropped_before += sink->lost() + overrun;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  const auto running = the_log().current();
  if (!running || level < running->options.level) return;
  const auto line =
      make_line(running->options.format, std::chrono::system_clock::now(), level, message, fields);
  running->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t dropped() {
  const auto running = the_log().current();
  const std::lock_guard lock(the_log().mutex);
  return the_log().dropped_before + (running ? running->dropped() : 0);
}

}  // namespace qw::log
