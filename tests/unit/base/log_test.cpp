#include "daemon/base/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace qw::log {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Stands in for standard error while it lives.
class StderrPipe {
 public:
  StderrPipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    read_end_ = ends[0];
    saved_ = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~StderrPipe() {
    stop();
    restore();
    close_reader();
  }
  StderrPipe(const StderrPipe&) = delete;
  StderrPipe& operator=(const StderrPipe&) = delete;

  void close_reader() {
    if (read_end_ >= 0) ::close(read_end_);
    read_end_ = -1;
  }
  // What was written until now and until the end; closes the writing end.
  std::string rest() {
    restore();
    std::string all;
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t n = ::read(read_end_, buffer.data(), buffer.size());
      if (n <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }
  std::string some() const {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(read_end_, buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }
  void shrink() const { ::fcntl(read_end_, F_SETPIPE_SZ, 4096); }

 private:
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
  }
  int read_end_ = -1;
  int saved_ = -1;
};

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Log, WritesNothingUntilStarted) {
  StderrPipe standard_error;
  error("before the start");
  start({});
  stop();
  error("after the stop");
  EXPECT_EQ(standard_error.rest(), "");
}

TEST(Log, WritesLinesInOrderAtAndAboveItsLevel) {
  StderrPipe standard_error;
  start({.level = Level::warning});
  info("too low");
  warning("first", {{"n", "1"}});
  error("second");
  stop();
  const std::string text = standard_error.rest();
  EXPECT_EQ(text.find("too low"), std::string::npos);
  EXPECT_NE(text.find(" level=warn msg=first n=1\n"), std::string::npos);
  EXPECT_NE(text.find(" level=error msg=second\n"), std::string::npos);
  EXPECT_LT(text.find("first"), text.find("second"));
  EXPECT_EQ(count(text, "\n"), 2U);
}

TEST(Log, WritesJsonWhenAskedTo) {
  StderrPipe standard_error;
  start({.format = Format::json});
  info("hello", {{"k", "v"}});
  stop();
  const std::string text = standard_error.rest();
  EXPECT_EQ(text.front(), '{');
  EXPECT_NE(text.find(R"("level":"info","msg":"hello","k":"v"})"
                      "\n"),
            std::string::npos);
}

TEST(Log, ALineIsThereBeforeTheLogStops) {
  StderrPipe standard_error;
  start({});
  info("at once");
  // Blocks until the log's thread has written, which needs neither flush nor stop.
  EXPECT_NE(standard_error.some().find("at once"), std::string::npos);
}

TEST(Log, AReaderThatDoesNotReadNeverHoldsUpTheCaller) {
  StderrPipe standard_error;
  standard_error.shrink();
  start({});
  const auto dropped_before = dropped();
  const std::string filler(100, 'x');
  auto slowest = SteadyClock::duration::zero();
  constexpr int kLines = 20'000;
  for (int i = 0; i < kLines; ++i) {
    const auto before = SteadyClock::now();
    info("line", {{"filler", filler}});
    slowest = std::max(slowest, SteadyClock::now() - before);
  }
  // Queue 1024; a few more are in the pipe and in the sink's hand. Sanitizers and a loaded machine make one
  // call slow, a blocked one would never return.
  EXPECT_LT(slowest, std::chrono::milliseconds(500));
  EXPECT_GT(dropped() - dropped_before, static_cast<std::uint64_t>(kLines - 1024 - 200));

  const auto stopping = SteadyClock::now();
  stop();
  EXPECT_LT(SteadyClock::now() - stopping, std::chrono::milliseconds(2500));
  // Every line was either written or counted as dropped, also those that the stop gave up.
  const auto written = count(standard_error.rest(), "msg=line");
  EXPECT_LE(kLines - written, dropped() - dropped_before);
  EXPECT_LE(dropped() - dropped_before, kLines - written + 1);
}

TEST(Log, WritesTheNewestLinesWhenTheReaderComesBack) {
  StderrPipe standard_error;
  standard_error.shrink();
  start({});
  info("line", {{"n", "0"}});
  std::string text = standard_error.some();
  for (int i = 1; i < 12'000; ++i) info("line", {{"n", std::to_string(i)}});
  while (text.find("n=11999\n") == std::string::npos) text += standard_error.some();
  stop();
  EXPECT_NE(text.find("n=0\n"), std::string::npos);
  EXPECT_EQ(text.find("n=2000\n"), std::string::npos) << "the oldest of the queue are dropped";
  EXPECT_NE(text.find("n=11000\n"), std::string::npos);
}

TEST(Log, AReaderThatWentAwayCostsLinesAndNothingElse) {
  StderrPipe standard_error;
  start({});
  const auto dropped_before = dropped();
  standard_error.close_reader();
  for (int i = 0; i < 10; ++i) info("line");
  stop();
  EXPECT_EQ(dropped() - dropped_before, 10U);
}

TEST(Log, TakesLinesFromManyThreadsAndOutlivesAStopInBetween) {
  StderrPipe standard_error;
  start({});
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) info("line");
    });
  }
  std::string text;
  const auto deadline = SteadyClock::now() + std::chrono::seconds(20);
  while (count(text, "msg=line\n") < 800 && SteadyClock::now() < deadline) text += standard_error.some();
  EXPECT_EQ(count(text, "msg=line\n"), 800U);
  stop();
  stop();
  start({});
  info("again");
  stop();
  EXPECT_NE(standard_error.rest().find("again"), std::string::npos);
}

}  // namespace
}  // namespace qw::log
