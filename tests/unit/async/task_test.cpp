#include "daemon/async/task.hpp"

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <stdexcept>

namespace qw::async {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Task<Result<int>> answer_after(milliseconds delay, Result<int> answer) {
  auto slept = co_await sleep_until(steady_clock::now() + delay);
  if (!slept) co_return fail(ErrorKind::canceled, "canceled");
  co_return answer;
}

template <class T>
T run(Task<T> task) {
  asio::io_context io(1);
  std::optional<T> out;
  std::exception_ptr bug;
  auto carry = [](Task<T> inner, std::optional<T>& into) -> Task<void> {
    into.emplace(co_await std::move(inner));
  };
  asio::co_spawn(io, carry(std::move(task), out), [&](std::exception_ptr thrown) { bug = thrown; });
  io.run();
  if (bug) std::rethrow_exception(bug);
  return std::move(*out);
}

TEST(WithDeadline, ReturnsTheAnswerThatCameInTime) {
  auto got = run(with_deadline(answer_after(milliseconds(1), 7), steady_clock::now() + milliseconds(500)));
  EXPECT_EQ(got, Result<int>(7));
}

TEST(WithDeadline, ReturnsAnErrorAtOnceInsteadOfWaitingForTheDeadline) {
  const auto start = steady_clock::now();
  auto got = run(with_deadline(answer_after(milliseconds(1), fail(ErrorKind::refused, "no")),
                               start + milliseconds(900)));
  EXPECT_EQ(got.error().kind(), ErrorKind::refused);
  EXPECT_LT(steady_clock::now() - start, milliseconds(800));
}

TEST(WithDeadline, TimesOutAndCancelsTheLoser) {
  const auto start = steady_clock::now();
  auto got = run(with_deadline(answer_after(milliseconds(5000), 7), start + milliseconds(10)));
  EXPECT_EQ(got.error().kind(), ErrorKind::timeout);
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
}

TEST(WithDeadline, TimesOutAtOnceWhenTheDeadlineHasPassed) {
  auto got = run(with_deadline(answer_after(milliseconds(5000), 7), steady_clock::now() - milliseconds(10)));
  EXPECT_EQ(got.error().kind(), ErrorKind::timeout);
}

Task<Result<int>> throws() {
  co_await sleep_until(steady_clock::now());
  throw std::runtime_error("bug");
}

TEST(WithDeadline, PassesABugOn) {
  EXPECT_THROW(run(with_deadline(throws(), steady_clock::now() + milliseconds(500))), std::runtime_error);
}

TEST(All, RunsAtTheSameTimeAndKeepsTheOrder) {
  std::vector<Task<Result<int>>> tasks;
  tasks.push_back(answer_after(milliseconds(20), 1));
  tasks.push_back(answer_after(milliseconds(1), 2));
  auto got = run(all(std::move(tasks)));
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0], Result<int>(1));
  EXPECT_EQ(got[1], Result<int>(2));
}

TEST(All, OfNothingIsNothing) {
  EXPECT_TRUE(run(all(std::vector<Task<int>>())).empty());
}

TEST(All, CancellationReachesEveryTask) {
  std::vector<Task<Result<int>>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(answer_after(milliseconds(60000), i));
  auto wrap = [](std::vector<Task<Result<int>>> inner) -> Task<Result<std::vector<Result<int>>>> {
    co_return co_await all(std::move(inner));
  };
  const auto start = steady_clock::now();
  auto got = run(with_deadline(wrap(std::move(tasks)), start + milliseconds(10)));
  EXPECT_EQ(got.error().kind(), ErrorKind::timeout);
  EXPECT_LT(steady_clock::now() - start, milliseconds(5000));
}

struct Bugs {
  std::vector<std::string> seen;
  TaskGroup::OnBug sink() {
    return [this](std::string_view task, const std::string& what) {
      seen.push_back(std::string(task) + ": " + what);
    };
  }
};

Task<void> throw_something() {
  co_await sleep_until(steady_clock::now());
  throw std::runtime_error("lost");
}

Task<void> sleep_long(int& ended) {
  co_await sleep_until(steady_clock::now() + std::chrono::hours(1));
  ++ended;
}

Task<void> join_and_note(TaskGroup& group, bool& joined) {
  co_await group.join();
  joined = true;
}

TEST(TaskGroup, CountsTheTasksThatLive) {
  const auto before = live_tasks();
  {
    asio::io_context io(1);
    TaskGroup tasks(io.get_executor(),
                    [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    const auto wait = [](milliseconds delay) -> Task<void> {
      const bool slept = co_await sleep_until(steady_clock::now() + delay);
      EXPECT_TRUE(slept);
    };
    tasks.spawn("short", wait(milliseconds(1)));
    tasks.spawn("long", wait(milliseconds(60'000)));
    EXPECT_EQ(live_tasks(), before + 2);
    while (tasks.size() > 1) io.run_one();
    EXPECT_EQ(live_tasks(), before + 1);
  }
  EXPECT_EQ(live_tasks(), before) << "a loop that ends takes its tasks with it";
}

TEST(TaskGroup, AnEscapedExceptionIsNeverLost) {
  asio::io_context io(1);
  Bugs bugs;
  TaskGroup group(io.get_executor(), bugs.sink());
  group.spawn("probe etcd", throw_something());
  io.run();
  EXPECT_EQ(bugs.seen, std::vector<std::string>{"probe etcd: lost"});
  EXPECT_EQ(group.size(), 0U);
}

TEST(TaskGroup, CancelEndsEveryTaskAndJoinWaitsForThem) {
  asio::io_context io(1);
  Bugs bugs;
  int ended = 0;
  bool joined = false;
  TaskGroup group(io.get_executor(), bugs.sink());
  TaskGroup waiting(io.get_executor(), bugs.sink());
  for (int i = 0; i < 100; ++i) group.spawn("sleeper", sleep_long(ended));
  waiting.spawn("join", join_and_note(group, joined));
  asio::post(io, [&] { group.cancel(); });
  io.run();
  EXPECT_TRUE(joined);
  EXPECT_EQ(ended, 100);
  EXPECT_TRUE(bugs.seen.empty());
}

Task<void> await_again_after_cancellation() {
  co_await sleep_until(steady_clock::now() + std::chrono::hours(1));
  co_await sleep_until(steady_clock::now());
}

TEST(TaskGroup, ATaskThatAwaitsAgainAfterItWasCancelledIsNoBug) {
  asio::io_context io(1);
  Bugs bugs;
  TaskGroup group(io.get_executor(), bugs.sink());
  group.spawn("stubborn", await_again_after_cancellation());
  asio::post(io, [&] { group.cancel(); });
  io.run();
  EXPECT_TRUE(bugs.seen.empty());
  EXPECT_EQ(group.size(), 0U);
}

Task<void> throw_aborted() {
  co_await sleep_until(steady_clock::now());
  throw boost::system::system_error(asio::error::operation_aborted);
}

TEST(TaskGroup, AnAbortedOperationThatNobodyAskedForIsABug) {
  asio::io_context io(1);
  Bugs bugs;
  TaskGroup group(io.get_executor(), bugs.sink());
  group.spawn("aborted", throw_aborted());
  io.run();
  EXPECT_EQ(bugs.seen.size(), 1U);
}

TEST(TaskGroup, TheLoopMayBeDestroyedWithTasksStillRunning) {
  Bugs bugs;
  int ended = 0;
  {
    asio::io_context io(1);
    TaskGroup group(io.get_executor(), bugs.sink());
    group.spawn("sleeper", sleep_long(ended));
    io.poll();
  }
  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace qw::async
