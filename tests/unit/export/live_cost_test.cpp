// What 200 open live pages cost the loop, on which every probe waits: issue 7 allows 2 ms each second.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "daemon/export/site.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPages = 200;
constexpr Nanoseconds kLimit = 2ms;
constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "x", ""};

/// Of this thread: what another program does on the same core does not count.
Nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

/// 200 connections that read whatever comes, on a thread of their own.
class Readers {
 public:
  explicit Readers(std::uint16_t port)
      : thread_([this, port](const std::stop_token& stop) { run(port, stop); }) {}

  std::size_t open() const { return open_; }
  /// How many events of what is wrong have arrived, at all pages together.
  std::size_t news() const { return news_; }

 private:
  void run(std::uint16_t port, const std::stop_token& stop) {
    asio::io_context io;
    std::vector<asio::ip::tcp::socket> sockets;
    std::vector<pollfd> waiting;
    for (std::size_t i = 0; i < kPages; ++i) {
      auto& socket = sockets.emplace_back(io);
      socket.connect({asio::ip::address_v4::loopback(), port});
      asio::write(socket, asio::buffer(std::string("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")));
      waiting.push_back({.fd = socket.native_handle(), .events = POLLIN, .revents = 0});
      ++open_;
    }
    std::string buffer(1 << 16, '\0');
    while (!stop.stop_requested()) {
      ::poll(waiting.data(), waiting.size(), 10);
      for (const auto& one : waiting) {
        if (one.revents == 0) continue;
        const auto size = ::recv(one.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) continue;
        const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
        constexpr std::string_view kNews = "data: part-wrong\n";
        for (auto at = text.find(kNews); at != std::string_view::npos; at = text.find(kNews, at + 1)) ++news_;
      }
    }
  }

  std::atomic<std::size_t> open_ = 0, news_ = 0;
  std::jthread thread_;
};

class LiveCost : public testing::Test {
 protected:
  LiveCost() {
    for (int i = 0; i < 200; ++i) {
      RoundBuilder round("etcd", fmt::format("cluster-{:03}", i));
      round.add(kLeaders, i % 3);
      store_.publish(round.build());
      journal::Condition wrong;
      wrong.target = {.system = "etcd", .name = fmt::format("cluster-{:03}", i)};
      wrong.since = clock_.wall();
      conditions_.push_back(wrong);
    }
  }
  status::View view() {
    // As when something goes on: every text has another number than a second ago.
    status::View out;
    out.conditions = conditions_;
    for (auto& one : out.conditions)
      one.text = fmt::format("nobody has been known to lead for {} s", second_);
    return out;
  }
  /// What a second costs, over some of them: the least of a few times, or the first that is less than
  /// `enough`. `news`: all the time.
  Nanoseconds cost_of_a_second(bool news, Nanoseconds enough, std::chrono::seconds some = 4s) {
    Nanoseconds least = 1h;
    for (int i = 0; i < 4 && least >= enough; ++i) {
      const auto told = readers_ ? readers_->news() : 0;
      const auto before = cpu_time();
      const auto until = std::chrono::steady_clock::now() + some;
      while (std::chrono::steady_clock::now() < until) {
        second_ += news ? 1 : 0;
        if (news) site_.hurry_page();
        io_.run_one_for(20ms);
      }
      if (news && readers_->news() < told + kPages) continue;
      least = std::min(least, (cpu_time() - before) / (some / 1s));
    }
    return least;
  }

  const SystemClock clock_;
  int second_ = 0;
  std::vector<journal::Condition> conditions_;
  asio::io_context io_{1};
  store::Store store_{store::Store::Options()};
  SelfMetrics self_{clock_};
  async::WorkerPool pool_{1};
  Site site_{store_,
             self_,
             pool_,
             {.ready = [] { return true; },
              .reload = nullptr,
              .refresh = nullptr,
              .view = [this] { return view(); }}};
  net::HttpServer server_{io_.get_executor(),
                          [this](net::ServerRequest request) { return site_.answer(std::move(request)); },
                          {},
                          [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
  async::TaskGroup tasks_{io_.get_executor(),
                          [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
  std::optional<Readers> readers_;
};

TEST_F(LiveCost, TwoHundredPagesInWhichSomethingGoesOn) {
  const auto listening = server_.listen({"127.0.0.1", 0});
  ASSERT_TRUE(listening) << listening.error().message();
  tasks_.spawn("page", site_.keep_page_live());
  const auto alone = cost_of_a_second(false, 0s, 1s);
  readers_.emplace(listening->port);
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (readers_->news() < kPages && std::chrono::steady_clock::now() < until) io_.run_one_for(10ms);
  ASSERT_GE(readers_->news(), kPages) << readers_->open() << " connections";

  const auto busy = cost_of_a_second(true, alone + kLimit) - alone;
  const auto quiet = cost_of_a_second(false, alone + kLimit) - alone;
  RecordProperty("busy_us", static_cast<int>(busy / 1us));
  RecordProperty("quiet_us", static_cast<int>(quiet / 1us));
  fmt::print("the loop: {} us alone, {} us more with news for all, {} us without\n", alone / 1us, busy / 1us,
             quiet / 1us);
  tasks_.cancel();
  io_.restart();
  io_.run_for(100ms);
#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
  EXPECT_LT(quiet, kLimit);
  EXPECT_LT(busy, kLimit);
#endif
}

}  // namespace
}  // namespace qw::exporting
