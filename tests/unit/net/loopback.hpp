#pragma once
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/net/address.hpp"

/// A loop, scripted peers on 127.0.0.1 and a check that no descriptor is left: what the tests of this folder
/// share.
namespace qw::net::test {

using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::size_t open_descriptors();
inline SteadyTime in(milliseconds delay) {
  return steady_clock::now() + delay;
}

/// The event loop of one test. Escaped exceptions of its tasks fail the test.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  asio::any_io_executor executor() { return io_.get_executor(); }
  void spawn(Task<void> task) { tasks_.spawn("peer", std::move(task)); }
  /// Turns the loop until `condition` holds, at most ten seconds.
  bool until(const std::function<bool()>& condition);
  /// Turns the loop until the task has ended.
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

class LoopbackTest : public ::testing::Test {
 protected:
  LoopbackTest() : base_(open_descriptors()), loop_(std::make_unique<Loop>()) {}
  void TearDown() override {
    loop_.reset();
    EXPECT_EQ(open_descriptors(), base_) << "descriptors are left open";
  }
  Loop& loop() { return *loop_; }

 private:
  std::size_t base_;
  std::unique_ptr<Loop> loop_;
};

/// What a scripted peer sends, and what happened to it.
struct Script {
  std::string reply;     ///< sent once a request has come
  std::string endless;   ///< then repeated until the client goes
  std::string request;   ///< the last request
  std::size_t sent = 0;  ///< bytes that the client's kernel took
  int connections = 0;
  int requests = 0;
  int ended = 0;  ///< connections that are over
};
using Play = Task<void> (*)(std::shared_ptr<Script> script, tcp::socket socket);

/// Reads a request up to its empty line; false at the end of the stream.
Task<bool> read_request(tcp::socket& socket, std::string& request);

// The plays. All end when the client closes.
Task<void> answer(std::shared_ptr<Script> script,
                  tcp::socket socket);  ///< each request, on a kept connection
Task<void> answer_and_close(std::shared_ptr<Script> script,
                            tcp::socket socket);  ///< one request, then end of file
Task<void> answer_and_reset(std::shared_ptr<Script> script,
                            tcp::socket socket);                            ///< one request, then a reset
Task<void> greet(std::shared_ptr<Script> script, tcp::socket socket);       ///< the reply before any request
Task<void> stay_mute(std::shared_ptr<Script> script, tcp::socket socket);   ///< reads, never writes
Task<void> never_read(std::shared_ptr<Script> script, tcp::socket socket);  ///< neither
Task<void> trickle(std::shared_ptr<Script> script, tcp::socket socket);  ///< a byte of the reply every 10 ms
Task<void> flood(std::shared_ptr<Script> script,
                 tcp::socket socket);  ///< the reply, then `endless` without end

class Server {
 public:
  Server(Loop& loop, Play play, const std::string& ip = "127.0.0.1", std::uint16_t port = 0);
  ~Server();
  HostPort address() const;
  Script& script() { return *script_; }

 private:
  struct Listening;
  static Task<void> accept(std::shared_ptr<Listening> listening, std::shared_ptr<Script> script, Play play,
                           Loop* loop);
  std::shared_ptr<Listening> listening_;
  std::shared_ptr<Script> script_ = std::make_shared<Script>();
};

/// A listener whose queue is full: the kernel drops further SYNs, as a host does that is gone.
class BlackHole {
 public:
  BlackHole(Loop& loop, const std::string& ip = "127.0.0.1");
  HostPort address() const;

 private:
  tcp::acceptor acceptor_;
  std::vector<tcp::socket> fill_;
};

}  // namespace qw::net::test
