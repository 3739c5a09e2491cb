#include "daemon/reloads.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class ReloadsTest : public testing::Test {
 protected:
  static Task<Result<void>> work_for(ReloadsTest* self) {
    ++self->begun;
    co_await async::sleep_until(steady_clock::now() + milliseconds(10));
    ++self->ended;
    co_return self->outcome;
  }
  static Task<void> ask(ReloadsTest* self, std::vector<std::pair<int, Result<void>>>& answers) {
    auto answer = co_await self->reloads.request_and_wait();
    answers.emplace_back(self->ended, answer);
  }
  template <class Condition>
  bool run_until(Condition condition) {
    const auto limit = steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (steady_clock::now() > limit) return false;
      io.restart();
      io.run_one_for(milliseconds(5));
    }
    return true;
  }
  ~ReloadsTest() override {
    tasks.cancel();
    run_until([this] { return tasks.size() == 0; });
  }

  int begun = 0;
  int ended = 0;
  Result<void> outcome;
  asio::io_context io{1};
  Reloads reloads{io.get_executor(), [this] { return work_for(this); }};
  async::TaskGroup tasks{io.get_executor(), [](std::string_view, const std::string&) {}};
};

TEST_F(ReloadsTest, ManyRequestsAtOnceAreOneReload) {
  tasks.spawn("run", reloads.run());
  for (int i = 0; i < 1000; ++i) reloads.request();
  ASSERT_TRUE(run_until([&] { return ended == 1; }));
  EXPECT_FALSE([&] {
    const auto limit = steady_clock::now() + milliseconds(15);
    while (steady_clock::now() < limit && begun == 1) io.run_one_for(milliseconds(1));
    return begun > 1;
  }());
}

TEST_F(ReloadsTest, ARequestWhileOneRunsIsServedByTheNextSinceTheFileMayHaveChanged) {
  std::vector<std::pair<int, Result<void>>> answers;
  tasks.spawn("run", reloads.run());
  tasks.spawn("first", ask(this, answers));
  ASSERT_TRUE(run_until([&] { return begun == 1; }));
  for (int i = 0; i < 10; ++i) tasks.spawn("later", ask(this, answers));
  ASSERT_TRUE(run_until([&] { return answers.size() == 11; }));
  EXPECT_EQ(answers[0].first, 1);
  for (std::size_t i = 1; i < answers.size(); ++i) EXPECT_EQ(answers[i].first, 2);
  EXPECT_EQ(begun, 2);
}

TEST_F(ReloadsTest, TheOutcomeReachesWhoAsked) {
  outcome = fail(ErrorKind::config, "q.yml:1:1: nonsense");
  std::vector<std::pair<int, Result<void>>> answers;
  tasks.spawn("run", reloads.run());
  tasks.spawn("ask", ask(this, answers));
  ASSERT_TRUE(run_until([&] { return !answers.empty(); }));
  EXPECT_EQ(answers[0].second.error().message(), "q.yml:1:1: nonsense");
}

TEST_F(ReloadsTest, WhoWaitsIsToldThatWeStop) {
  std::vector<std::pair<int, Result<void>>> answers;
  tasks.spawn("ask", ask(this, answers));  // nobody runs the reloads
  io.poll();
  tasks.cancel();
  ASSERT_TRUE(run_until([&] { return tasks.size() == 0; }));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].second.error().kind(), ErrorKind::canceled);
}

}  // namespace
}  // namespace qw
