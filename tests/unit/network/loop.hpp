#pragma once
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/async/task.hpp"

namespace qw::probes::test {

using std::chrono::milliseconds;

inline SteadyTime in(milliseconds delay) {
  return std::chrono::steady_clock::now() + delay;
}

/// The event loop of one test. Escaped exceptions of its tasks fail the test.
class Loop {
 public:
  Loop()
      : tasks_(io_.get_executor(), [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }) {
  }
  ~Loop() {
    tasks_.cancel();
    EXPECT_TRUE(until([&] { return tasks_.size() == 0; }));
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  asio::any_io_executor executor() { return io_.get_executor(); }
  void spawn(Task<void> task) { tasks_.spawn("background", std::move(task)); }
  /// Turns the loop until `condition` holds, at most so long.
  bool until(const std::function<bool()>& condition, milliseconds patience = milliseconds(10'000)) {
    const auto limit = in(patience);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io_.restart();
      io_.run_one_for(milliseconds(20));
    }
    return true;
  }
  template <class T>
  T run(Task<T> task) {
    auto out = std::make_shared<std::optional<T>>();
    tasks_.spawn("test", keep(std::move(task), out));
    if (!until([&] { return out->has_value(); })) throw std::runtime_error("the task does not end");
    return std::move(**out);
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::shared_ptr<std::optional<T>> out) {
    out->emplace(co_await std::move(task));
  }
  asio::io_context io_{1};
  async::TaskGroup tasks_;
};

}  // namespace qw::probes::test
