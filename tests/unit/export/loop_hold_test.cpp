// A scrape of 100,000 series must not hold the loop, on which every probe waits.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "daemon/export/site.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

using namespace std::chrono_literals;

/// Of this thread: what another program does on the same core does not count.
Nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

/// The whole answer to one request, read by a thread of its own.
std::size_t scrape(std::uint16_t port, bool compressed) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  std::string request = "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
  if (compressed) request += "Accept-Encoding: gzip\r\n";
  asio::write(socket, asio::buffer(request + "\r\n"));
  std::string answer;
  boost::system::error_code ended;
  asio::read(socket, asio::dynamic_buffer(answer), ended);
  return answer.size();
}

TEST(LoopHold, AScrapeOfAHundredThousandSeriesLeavesTheLoopToTheProbes) {
  const SystemClock clock;
  store::Store store{store::Store::Options()};
  for (const auto& round : many_series(100'000).rounds) store.publish(round);
  SelfMetrics self(clock);
  async::WorkerPool pool(2);
  Site site(store, self, pool, {.ready = [] { return true; }, .reload = nullptr, .refresh = nullptr});
  asio::io_context io(1);
  net::HttpServer server(
      io.get_executor(), [&site](net::ServerRequest request) { return site.answer(std::move(request)); }, {},
      [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  const auto listening = server.listen({"127.0.0.1", 0});
  ASSERT_TRUE(listening) << listening.error().message();

  std::atomic<bool> done = false;
  std::size_t plain = 0, packed = 0;
  std::jthread client([&] {
    plain = scrape(listening->port, false);
    packed = scrape(listening->port, true);
    done = true;
  });
  Nanoseconds longest{};
  while (!done) {
    const auto before = cpu_time();
    io.run_one_for(10ms);
    longest = std::max(longest, cpu_time() - before);
  }
  EXPECT_GT(plain, 10'000'000U);
  EXPECT_GT(packed, 500'000U);
  RecordProperty("longest_us", static_cast<int>(longest / 1us));
  // The thread sanitizer makes every access several times as slow.
  EXPECT_LT(longest, __has_feature(thread_sanitizer) ? 50ms : 5ms);
}

}  // namespace
}  // namespace qw::exporting
