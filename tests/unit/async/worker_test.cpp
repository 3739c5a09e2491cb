#include "daemon/async/worker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <set>
#include <stdexcept>
#include <thread>

namespace qw::async {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A loop with one group of tasks; what escapes them is kept.
struct Bench {
  Bench()
      : group(io.get_executor(),
              [this](std::string_view, const std::string& what) { escaped.push_back(what); }) {}

  bool until(const std::function<bool()>& condition) {
    const auto give_up = steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (steady_clock::now() > give_up) return false;
      if (io.stopped()) io.restart();
      io.run_one_for(milliseconds(5));
    }
    return true;
  }
  bool until_idle() {
    return until([this] { return group.size() == 0; });
  }

  asio::io_context io{1};
  std::vector<std::string> escaped;
  TaskGroup group;
};

Task<void> run_job(WorkerPool& pool, std::function<void()> job, std::function<void()> after) {
  co_await pool.run(std::move(job));
  after();
}

TEST(WorkerPool, RunsTheJobElsewhereAndResumesOnTheLoop) {
  Bench bench;
  WorkerPool pool(2);
  std::thread::id job_thread, after_thread;
  bench.group.spawn("job", run_job(
                               pool, [&] { job_thread = std::this_thread::get_id(); },
                               [&] { after_thread = std::this_thread::get_id(); }));
  ASSERT_TRUE(bench.until_idle());
  EXPECT_NE(job_thread, std::this_thread::get_id());
  EXPECT_NE(job_thread, std::thread::id());
  EXPECT_EQ(after_thread, std::this_thread::get_id());
}

TEST(WorkerPool, BringsTheJobsExceptionToTheCaller) {
  Bench bench;
  WorkerPool pool(1);
  bool after = false;
  bench.group.spawn("job",
                    run_job(pool, [] { throw std::runtime_error("no memory"); }, [&] { after = true; }));
  ASSERT_TRUE(bench.until_idle());
  EXPECT_FALSE(after);
  EXPECT_EQ(bench.escaped, std::vector<std::string>{"no memory"});
}

TEST(WorkerPool, RunsAsManyJobsAtOnceAsItHasThreads) {
  Bench bench;
  WorkerPool pool(3);
  std::latch all(3);  // each job waits for the two others
  int done = 0;
  for (int i = 0; i < 3; ++i)
    bench.group.spawn("job", run_job(pool, [&] { all.arrive_and_wait(); }, [&] { ++done; }));
  ASSERT_TRUE(bench.until_idle());
  EXPECT_EQ(done, 3);
}

TEST(WorkerPool, RunsEveryJobOfManyOnce) {
  Bench bench;
  WorkerPool pool(4);
  std::atomic<int> ran = 0;
  int done = 0;
  for (int i = 0; i < 2000; ++i) bench.group.spawn("job", run_job(pool, [&] { ++ran; }, [&] { ++done; }));
  ASSERT_TRUE(bench.until_idle());
  EXPECT_EQ(ran, 2000);
  EXPECT_EQ(done, 2000);
}

TEST(WorkerPool, HasOneThreadWhenAskedForNone) {
  Bench bench;
  WorkerPool pool(0);
  bool after = false;
  bench.group.spawn("job", run_job(pool, [] {}, [&] { after = true; }));
  ASSERT_TRUE(bench.until_idle());
  EXPECT_TRUE(after);
}

TEST(WorkerPool, ResumesACanceledCallerAtOnceAndLetsTheJobEnd) {
  Bench bench;
  std::latch may_end(1);
  auto ended = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool> began = false;
  bool after = false;
  {
    WorkerPool pool(1);
    // What the job touches belongs to the job or outlives the pool.
    auto slow = [&, ended, text = std::make_shared<std::string>("kept")] {
      began = true;
      may_end.wait();
      *ended = *text == "kept";
    };
    bench.group.spawn("slow", run_job(pool, slow, [&] { after = true; }));
    ASSERT_TRUE(bench.until([&] { return began.load(); }));
    bench.group.cancel();
    ASSERT_TRUE(bench.until_idle()) << "waits for the job";
    EXPECT_FALSE(*ended);
    may_end.count_down();
  }
  EXPECT_TRUE(*ended) << "the pool does not wait for the job";
  EXPECT_FALSE(after);
}

TEST(WorkerPool, NeverStartsAJobWhoseCallerIsGone) {
  Bench bench;
  std::latch may_end(1);
  std::atomic<bool> began = false, second = false;
  {
    WorkerPool pool(1);
    bench.group.spawn("first", run_job(
                                   pool,
                                   [&] {
                                     began = true;
                                     may_end.wait();
                                   },
                                   [] {}));
    ASSERT_TRUE(bench.until([&] { return began.load(); }));
    bench.group.spawn("second", run_job(pool, [&] { second = true; }, [] {}));
    bench.io.poll();
    bench.group.cancel();
    ASSERT_TRUE(bench.until_idle());
    may_end.count_down();
  }
  EXPECT_FALSE(second);
}

TEST(WorkerPool, SurvivesALoopThatEndsWhileAJobRuns) {
  std::latch may_end(1);
  std::atomic<bool> began = false;
  auto bench = std::make_unique<Bench>();
  auto pool = std::make_unique<WorkerPool>(1);
  bench->group.spawn("left", run_job(
                                 *pool,
                                 [&] {
                                   began = true;
                                   may_end.wait();
                                 },
                                 [] {}));
  ASSERT_TRUE(bench->until([&] { return began.load(); }));
  may_end.count_down();
  pool.reset();   // the result is posted to a loop that never turns again
  bench.reset();  // destroys the suspended caller
}

}  // namespace
}  // namespace qw::async
