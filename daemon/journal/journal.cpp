#include "daemon/journal/journal.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <mutex>
#include <utility>

#include "daemon/base/log.hpp"
#include "daemon/base/stable_sort.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/open_events.hpp"

namespace qw::journal {
namespace {

/// Events that come together are written together; this is what kill -9 can lose.
constexpr Nanoseconds kGather = std::chrono::milliseconds(100);
/// How exactly it is known, after kill -9, until when we lived.
constexpr Nanoseconds kTouchEvery = std::chrono::seconds(5);
constexpr Nanoseconds kRetryAfter = std::chrono::seconds(4);
constexpr Nanoseconds kLogAgainAfter = std::chrono::minutes(1);
/// Events that wait for a disk that is full or slow.
constexpr std::size_t kMostWaiting = 20'000;
constexpr std::size_t kMostInBatch = 200;
/// Of the files, for one search: some 40,000 events, in 0.15 s.
constexpr std::size_t kMostSearched = 16U << 20U;

/// What is written at once. All of it is touched with the files' mutex held, or before it is given away.
struct Batch {
  std::vector<Event> events;
  bool done = false;
  Result<void> result;
};

/// What workers use: it may outlive the journal by one job.
struct Disk {
  explicit Disk(std::string folder_) : folder(std::move(folder_)), files(folder) {}

  const std::string folder;
  std::mutex mutex;  ///< one job at a time
  JournalFiles files;

  std::size_t write(Batch& batch, const JournalFiles::Limits& limits) {
    const std::lock_guard lock(mutex);
    if (!std::exchange(batch.done, true)) {
      std::string lines;
      for (const auto& event : batch.events) lines += encode_event(event) + '\n';
      batch.result = files.append(lines, limits);
    }
    return files.bytes();
  }
  std::size_t touch(const JournalFiles::Limits& limits) {
    const std::lock_guard lock(mutex);
    files.touch(limits);
    return files.bytes();
  }
};

/// What a worker read of the past.
struct Loaded {
  std::deque<Event> recent;
  OpenEvents open;
  Result<ReadOutcome> outcome;
};

}  // namespace

struct Journal::Impl {
  Impl(async::WorkerPool& pool_, Options options_)
      : pool(pool_), options(std::move(options_)), disk(std::make_shared<Disk>(options.folder)) {}

  Task<void> load();
  Task<bool> wait(Nanoseconds within);
  Task<void> write();
  void settle();
  void remember(std::deque<Event> events, bool in_front);
  bool keeps() const { return !options.folder.empty(); }

  async::WorkerPool& pool;
  Options options;
  std::shared_ptr<Disk> disk;
  std::function<void(const Past&)> tell;
  std::deque<Event> newest;
  mutable EventsPtr published = std::make_shared<const std::vector<Event>>();
  mutable bool changed = false;
  std::deque<Event> waiting;
  std::shared_ptr<Batch> in_flight;  ///< given to a worker
  asio::steady_timer* wake = nullptr;
  Stats stats;
  std::optional<SteadyTime> error_logged;
  /// Lives as long as the job of a search.
  std::weak_ptr<void> searching;
};

Journal::Journal(async::WorkerPool& pool, Options options)
    : impl_(std::make_unique<Impl>(pool, std::move(options))) {}
Journal::~Journal() = default;

void Journal::on_loaded(std::function<void(const Past&)> tell) {
  impl_->tell = std::move(tell);
}

void Journal::set_limits(const JournalFiles::Limits& limits) {
  impl_->options.limits = limits;
}

void Journal::Impl::remember(std::deque<Event> events, bool in_front) {
  changed = true;
  if (in_front) std::swap(events, newest);
  newest.insert(newest.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
  while (newest.size() > options.recent) newest.pop_front();
}

void Journal::add(std::vector<Event> events) {
  if (events.empty()) return;
  for (auto& event : events) make_safe(event);
  auto& self = *impl_;
  if (self.keeps()) {
    for (const auto& event : events) {
      if (self.waiting.size() < kMostWaiting) {
        self.waiting.push_back(event);
      } else {
        ++self.stats.dropped;
      }
    }
  }
  self.remember({std::make_move_iterator(events.begin()), std::make_move_iterator(events.end())}, false);
  if (self.wake) self.wake->cancel();
}

EventsPtr Journal::recent() const {
  auto& self = *impl_;
  if (std::exchange(self.changed, false)) {
    auto events = std::make_shared<std::vector<Event>>(self.newest.begin(), self.newest.end());
    // What flickers is told some seconds after it began.
    if (!std::ranges::is_sorted(*events, {}, &Event::at)) sort_stably(*events, &Event::at);
    self.published = std::move(events);
  }
  return self.published;
}

Task<Result<Found>> Journal::search(Search wanted) const {
  auto& self = *impl_;
  const auto in_memory = recent();
  auto found = newest_of(*in_memory, wanted);
  if (!self.keeps()) co_return found;
  if (!in_memory->empty()) {
    const auto whole_from = in_memory->front().at + kToldLate;
    const bool enough = found.older_than && *found.older_than >= whole_from;
    if (enough || wanted.since >= whole_from) co_return found;
  }
  if (!self.searching.expired()) {
    co_return fail(ErrorKind::rejected, "somebody else searches the journal: try again");
  }
  struct Job {
    Result<Found> found;
  };
  auto job = std::make_shared<Job>();
  self.searching = job;
  co_await self.pool.run([job, folder = self.options.folder, wanted = std::move(wanted), in_memory] {
    job->found = search_journal(folder, wanted, *in_memory, kMostSearched);
  });
  co_return std::move(job->found);
}

Journal::Stats Journal::stats() const {
  return impl_->stats;
}

Task<void> Journal::Impl::load() {
  auto loaded = std::make_shared<Loaded>();
  co_await pool.run([loaded, disk = disk, most = options.recent] {
    loaded->outcome = read_journal(disk->folder, [&](Event event) {
      loaded->open.take(event);
      loaded->recent.push_back(std::move(event));
      if (loaded->recent.size() > most) loaded->recent.pop_front();
    });
  });
  Past past;
  past.open = loaded->open.list();
  remember(std::move(loaded->recent), true);
  if (loaded->outcome) {
    past.last_alive = loaded->outcome->last_alive;
    stats.skipped = loaded->outcome->skipped;
    if (stats.skipped > 0) {
      log::warning("lines of the journal were damaged and are skipped",
                   {{"folder", options.folder}, {"lines", std::to_string(stats.skipped)}});
    }
  } else {
    stats.last_error = loaded->outcome.error().message();
    log::error("the journal can not be read", {{"reason", stats.last_error}});
  }
  if (tell) tell(past);
}

/// False when the caller was cancelled.
Task<bool> Journal::Impl::wait(Nanoseconds within) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::duration_cast<asio::steady_timer::duration>(within));
  wake = waiting.empty() ? &timer : nullptr;
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  wake = nullptr;
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

/// What became of the batch that a worker had.
void Journal::Impl::settle() {
  const auto batch = std::exchange(in_flight, nullptr);
  if (!batch) return;
  if (batch->result) {
    stats.written += batch->events.size();
    stats.last_error.clear();
    return;
  }
  ++stats.errors;
  stats.last_error = batch->result.error().message();
  waiting.insert(waiting.begin(), std::make_move_iterator(batch->events.begin()),
                 std::make_move_iterator(batch->events.end()));
  while (waiting.size() > kMostWaiting) {
    waiting.pop_back();
    ++stats.dropped;
  }
  const SystemClock clock;
  if (error_logged && clock.steady() - *error_logged < kLogAgainAfter) return;
  error_logged = clock.steady();
  log::error("the journal can not be written; it is kept in memory and tried again",
             {{"reason", stats.last_error}, {"events", std::to_string(waiting.size())}});
}

Task<void> Journal::Impl::write() {
  in_flight = std::make_shared<Batch>();
  while (!waiting.empty() && in_flight->events.size() < kMostInBatch) {
    in_flight->events.push_back(std::move(waiting.front()));
    waiting.pop_front();
  }
  auto bytes = std::make_shared<std::size_t>(0);
  co_await pool.run([disk = disk, batch = in_flight, limits = options.limits, bytes] {
    *bytes = disk->write(*batch, limits);
  });
  stats.bytes = *bytes;
  settle();
}

Task<void> Journal::run() {
  auto& self = *impl_;
  if (!self.keeps()) {
    if (self.tell) self.tell({});
    co_return;
  }
  co_await self.load();
  while (true) {
    if (self.waiting.empty()) {
      const bool going_on = co_await self.wait(kTouchEvery);
      if (!going_on) co_return;
    }
    if (self.waiting.empty()) {
      auto bytes = std::make_shared<std::size_t>(0);
      co_await self.pool.run(
          [disk = self.disk, limits = self.options.limits, bytes] { *bytes = disk->touch(limits); });
      self.stats.bytes = *bytes;
      continue;
    }
    const SystemClock clock;
    const auto gather = self.stats.last_error.empty() ? kGather : kRetryAfter;
    const bool gathered = co_await async::sleep_until(clock.steady() + gather);
    if (!gathered) co_return;
    co_await self.write();
  }
}

Task<void> Journal::flush() {
  auto& self = *impl_;
  if (!self.keeps()) co_return;
  // A job that was under way when run() was cancelled is finished or repeated first, never both.
  if (const auto before = self.in_flight) {
    auto bytes = std::make_shared<std::size_t>(0);
    co_await self.pool.run([disk = self.disk, batch = before, limits = self.options.limits, bytes] {
      *bytes = disk->write(*batch, limits);
    });
    self.stats.bytes = *bytes;
    self.settle();
  }
  while (!self.waiting.empty()) {
    const auto errors = self.stats.errors;
    co_await self.write();
    if (self.stats.errors == errors) continue;
    self.stats.dropped += self.waiting.size();
    self.waiting.clear();
  }
}

}  // namespace qw::journal
