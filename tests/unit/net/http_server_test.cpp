#include "daemon/net/http_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

namespace qw::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(20);

/// A client that says exactly what the test wants, blocking, with a deadline for each answer.
class RawClient {
 public:
  RawClient() = default;
  explicit RawClient(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        received_(std::move(other.received_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }

  bool connected() const { return connected_; }
  bool send(std::string_view text) {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size());
  }

  /// Everything until the server closes, or as much as came within `patience`.
  std::string read_all(steady_clock::duration patience = kPatience) {
    const auto deadline = steady_clock::now() + patience;
    while (read_more(deadline)) {
    }
    return std::exchange(received_, {});
  }
  /// One reply by its Content-Length ("" when it does not come); `no_body`: of a HEAD request.
  std::string read_reply(bool no_body = false, steady_clock::duration patience = kPatience) {
    const auto deadline = steady_clock::now() + patience;
    for (;;) {
      if (const auto end = received_.find("\r\n\r\n"); end != std::string::npos) {
        const auto at = received_.find("Content-Length: ");
        const auto length = no_body || at > end ? 0 : std::strtoull(received_.c_str() + at + 16, nullptr, 10);
        if (received_.size() >= end + 4 + length) {
          auto reply = received_.substr(0, end + 4 + length);
          received_.erase(0, reply.size());
          return reply;
        }
      }
      if (!read_more(deadline)) return {};
    }
  }
  /// Whether the server has closed, or does so within `patience`.
  bool closed(steady_clock::duration patience = kPatience) {
    const auto deadline = steady_clock::now() + patience;
    while (read_more(deadline)) {
    }
    return closed_;
  }

 private:
  bool read_more(steady_clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
    pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0))) <= 0) return false;
    std::array<char, 65536> bytes;
    const auto size = ::recv(socket_, bytes.data(), bytes.size(), 0);
    closed_ = size <= 0;
    if (size > 0) received_.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  int socket_ = -1;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

const std::shared_ptr<const std::string>& big_body() {
  static const auto kBody = std::make_shared<const std::string>(std::size_t{16} << 20, 'x');
  return kBody;
}

/// The server on a loop of its own thread.
class Running {
 public:
  explicit Running(HttpServer::Limits limits = {}, std::optional<HttpServer::Tls> tls = {})
      : held_(io_, steady_clock::time_point::max()),
        server_(std::make_unique<HttpServer>(
            io_.get_executor(), [this](ServerRequest request) { return answer(std::move(request)); }, limits,
            bugs_sink())),
        stoppers_(io_.get_executor(), bugs_sink()) {
    if (tls) {
      auto set = server_->set_tls(*tls);
      EXPECT_TRUE(set) << set.error().message();
    }
    auto bound = server_->listen(HostPort{.host = "127.0.0.1", .port = 0});
    EXPECT_TRUE(bound) << bound.error().message();
    port = bound ? bound->port : std::uint16_t{0};
    thread_ = std::thread([this] { io_.run(); });
  }
  /// Returns only when every task of the server has ended.
  ~Running() { stop(std::chrono::seconds(10)); }

  void stop(Nanoseconds within) {
    if (!thread_.joinable()) return;
    begin_stop(within);
    join();
  }
  void begin_stop(Nanoseconds within) {
    on_loop([this, within] { stoppers_.spawn("stop", server_->stop(steady_clock::now() + within)); });
  }
  void join() {
    guard_.reset();
    thread_.join();
  }

  HttpServer::Stats stats() {
    HttpServer::Stats stats;
    on_loop([&] { stats = server_->stats(); });
    return stats;
  }
  bool eventually(const std::function<bool(const HttpServer::Stats&)>& holds) {
    const auto deadline = steady_clock::now() + kPatience;
    while (steady_clock::now() < deadline) {
      if (holds(stats())) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }
  void on_loop(const std::function<void()>& job) {
    std::promise<void> done;
    asio::post(io_, [&] {
      job();
      done.set_value();
    });
    done.get_future().get();
  }
  void release_held() {
    on_loop([this] { held_.cancel(); });
  }
  std::vector<std::string> bugs() {
    std::lock_guard lock(mutex_);
    return bugs_;
  }

  std::uint16_t port = 0;
  std::atomic<int> holding = 0;

 private:
  async::TaskGroup::OnBug bugs_sink() {
    return [this](std::string_view task, const std::string& what) {
      std::lock_guard lock(mutex_);
      bugs_.push_back(std::string(task) + ": " + what);
    };
  }

  Task<ServerReply> answer(ServerRequest request) {
    ServerReply reply;
    if (request.path == "/throw") throw std::runtime_error("broken handler");
    if (request.path == "/hold") {
      ++holding;
      co_await wait_released();
      --holding;
    }
    if (request.path == "/big") {
      reply.body = big_body();
      co_return reply;
    }
    reply.headers.emplace_back("X-Extra", "yes");
    reply.body = std::make_shared<const std::string>(
        request.method + "|" + request.path + "|" + request.query + "|" + request.accept + "|" +
        request.accept_encoding + "|" + request.authorization + "|" + request.peer_ip + "|" + request.body);
    co_return reply;
  }
  Task<void> wait_released() {
    boost::system::error_code ignored;
    co_await held_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
  asio::steady_timer held_;
  std::mutex mutex_;
  std::vector<std::string> bugs_;
  std::unique_ptr<HttpServer> server_;
  async::TaskGroup stoppers_;
  std::thread thread_;
};

HttpServer::Limits quick_limits() {
  HttpServer::Limits limits;
  limits.header_timeout = milliseconds(150);
  limits.write_timeout = milliseconds(300);
  limits.idle_timeout = milliseconds(600);
  return limits;
}

std::string_view status_of(std::string_view reply) {
  return reply.size() < 12 ? reply : reply.substr(9, 3);
}

std::string_view body_of(std::string_view reply) {
  const auto end = reply.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view() : reply.substr(end + 4);
}

TEST(HttpServer, HandsTheRequestOverAndTheReplyBack) {
  Running running;
  RawClient client(running.port);
  client.send(
      "POST /a%20b/%2e?x=%201&y HTTP/1.1\r\nHost: h\r\nAccept: text/plain\r\nAccept-Encoding: gzip\r\n"
      "Authorization: Basic eA==\r\nContent-Length: 4\r\n\r\nbody");
  const auto reply = client.read_reply();
  EXPECT_EQ(status_of(reply), "200");
  EXPECT_EQ(body_of(reply), "POST|/a b/.|x=%201&y|text/plain|gzip|Basic eA==|127.0.0.1|body");
  for (const auto* header : {"X-Content-Type-Options: nosniff\r\n", "X-Extra: yes\r\n",
                             "Date: ", "Content-Type: text/plain; charset=utf-8\r\n"}) {
    EXPECT_NE(reply.find(header), std::string::npos) << header << "not in\n" << reply;
  }
}

TEST(HttpServer, KeepsTheConnectionForFurtherRequestsAndAnswersPipelinedOnesInOrder) {
  Running running;
  RawClient client(running.port);
  client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(body_of(client.read_reply()).starts_with("GET|/1|"));
  client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET http://h/3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(body_of(client.read_reply()).starts_with("GET|/2|"));
  EXPECT_TRUE(body_of(client.read_reply()).starts_with("GET|/3|"));
  const auto stats = running.stats();
  EXPECT_EQ(stats.requests, 3U);
  EXPECT_EQ(stats.connections, 1U);
}

TEST(HttpServer, ClosesWhenTheClientWantsThat) {
  Running running;
  for (const auto* request :
       {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    RawClient client(running.port);
    client.send(request);
    EXPECT_EQ(status_of(client.read_reply()), "200");
    EXPECT_TRUE(client.closed());
  }
}

TEST(HttpServer, AnswersHeadWithTheHeaderOnly) {
  Running running;
  RawClient client(running.port);
  client.send("HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto reply = client.read_reply(true);
  EXPECT_NE(reply.find("Content-Length: 16777216\r\n"), std::string::npos) << reply;
  client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(body_of(client.read_reply()).starts_with("GET|/next|"));
}

TEST(HttpServer, RefusesWhatItCanNotReadWithTheRightStatusAndCloses) {
  struct Case {
    const char* what;
    std::string request;
    const char* status;
  };
  const std::vector<Case> cases{
      {"garbage", "\x16\x03\x01 hello\r\n\r\n", "400"},
      {"no version", "GET /\r\n\r\n", "400"},
      {"a target without slash", "GET metrics HTTP/1.1\r\n\r\n", "400"},
      {"half an escape", "GET /%2 HTTP/1.1\r\n\r\n", "400"},
      {"no escape at all", "GET /%zz HTTP/1.1\r\n\r\n", "400"},
      {"two lengths", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
      {"a long header", "GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "431"},
      {"an endless target", "GET /" + std::string(20000, 'x'), "431"},
      {"a long body", "POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n" + std::string(70000, 'x'), "413"},
      {"a huge announced body", "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "413"},
      {"endless chunk extensions",
       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" + std::string(30000, 'x'), "411"},
  };
  Running running;
  for (const auto& c : cases) {
    RawClient client(running.port);
    client.send(c.request);
    const auto reply = client.read_all();
    EXPECT_EQ(status_of(reply), c.status) << c.what << "\n" << reply;
    EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos) << c.what;
    EXPECT_NE(reply.find("nosniff"), std::string::npos) << c.what;
    EXPECT_TRUE(client.closed()) << c.what;
  }
  EXPECT_TRUE(running.bugs().empty());
}

// Beast 1.81 aborts the process when a chunk header comes in pieces, so chunks are refused before one is
// read.
TEST(HttpServer, RefusesAChunkedBodyHoweverItIsCut) {
  const std::string head = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::vector<std::string>> cuts{{head + "3\r\nabc\r\n0\r\n\r\n"},
                                                   {head, "0\r\n", "\r"},
                                                   {head + "0\r\n", "\r", "\n"},
                                                   {head + "3\r\nabc\r", "\n0\r\n", "\r\n"}};
  Running running;
  for (const auto& pieces : cuts) {
    RawClient client(running.port);
    for (const auto& piece : pieces) {
      client.send(piece);
      RawClient other(running.port);  // a whole exchange, so that the pieces arrive apart
      other.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      EXPECT_EQ(status_of(other.read_reply()), "200");
    }
    EXPECT_EQ(status_of(client.read_all()), "411");
  }
  EXPECT_TRUE(running.bugs().empty());
}

TEST(HttpServer, AnExceptionInTheHandlerIs500AndReported) {
  Running running;
  RawClient client(running.port);
  client.send("GET /throw HTTP/1.1\r\n\r\n");
  EXPECT_EQ(status_of(client.read_reply()), "500");
  EXPECT_EQ(running.bugs(), std::vector<std::string>{"http request: broken handler"});
  client.send("GET /fine HTTP/1.1\r\n\r\n");
  EXPECT_EQ(status_of(client.read_reply()), "200");
}

TEST(HttpServer, TricklingDoesNotExtendTheHeaderDeadline) {
  Running running(quick_limits());
  RawClient client(running.port);
  const auto start = steady_clock::now();
  client.send("GET / HTTP/1.1\r\nX: ");
  while (!client.closed(milliseconds(10)) && steady_clock::now() - start < kPatience) client.send("x");
  EXPECT_GE(steady_clock::now() - start, milliseconds(140));
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(running.stats().timeouts, 1U);
}

TEST(HttpServer, ClosesASilentClientSoonAndAKeptOneAfterTheIdleTime) {
  auto limits = quick_limits();
  limits.idle_timeout = std::chrono::seconds(1);
  Running running(limits);
  RawClient kept(running.port);
  kept.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_EQ(status_of(kept.read_reply()), "200");
  const auto start = steady_clock::now();
  RawClient silent(running.port);
  EXPECT_TRUE(silent.closed());
  EXPECT_GE(steady_clock::now() - start, milliseconds(140));
  EXPECT_TRUE(kept.closed());
  EXPECT_GE(steady_clock::now() - start, milliseconds(900));
  EXPECT_EQ(running.stats().timeouts, 1U) << "an idle connection that ends is no time-out";
}

TEST(HttpServer, TheDeadlineOfTheReplyIsForAllOfIt) {
  Running running(quick_limits());
  RawClient client(running.port, 4096);
  client.send("GET /big HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(
      running.eventually([](const auto& stats) { return stats.timeouts == 1 && stats.connections == 0; }));
  EXPECT_LT(client.read_all().size(), big_body()->size());
}

TEST(HttpServer, ALargeReplyLetsTheLoopTurnBetweenSlices) {
  Running running;
  std::atomic<int> turns = 0;
  std::atomic<bool> counting = true;
  RawClient client(running.port);
  client.send("GET /big HTTP/1.1\r\n\r\n");
  std::thread ticker([&] {
    while (counting) running.on_loop([&] { ++turns; });
  });
  const auto reply = client.read_reply();
  counting = false;
  ticker.join();
  EXPECT_EQ(body_of(reply), *big_body());
  EXPECT_GT(turns, 16) << "jobs that ran while 16 MiB were written";
}

TEST(HttpServer, AtTheCapTheLongestIdleClientMakesRoom) {
  HttpServer::Limits limits;
  limits.max_connections = 3;
  Running running(limits);
  RawClient busy(running.port);
  busy.send("GET /hold HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(running.eventually([&](const auto&) { return running.holding == 1; }));
  RawClient oldest(running.port);
  ASSERT_TRUE(running.eventually([](const auto& stats) { return stats.connections == 2; }));
  RawClient younger(running.port);
  ASSERT_TRUE(running.eventually([](const auto& stats) { return stats.connections == 3; }));
  RawClient fresh(running.port);
  fresh.send("GET /fresh HTTP/1.1\r\n\r\n");
  EXPECT_EQ(status_of(fresh.read_reply()), "200");
  EXPECT_TRUE(oldest.closed());
  younger.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(status_of(younger.read_reply()), "200");
  EXPECT_EQ(running.stats().evicted, 1U);
  running.release_held();
  EXPECT_EQ(status_of(busy.read_reply()), "200");
}

TEST(HttpServer, SaysBusyWhenEveryConnectionHasARunningHandler) {
  HttpServer::Limits limits;
  limits.max_connections = 1;
  Running running(limits);
  RawClient busy(running.port);
  busy.send("GET /hold HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(running.eventually([&](const auto&) { return running.holding == 1; }));
  RawClient refused(running.port);
  const auto reply = refused.read_all();
  EXPECT_EQ(status_of(reply), "503");
  EXPECT_NE(reply.find("Retry-After: 1\r\n"), std::string::npos);
  running.release_held();
  EXPECT_EQ(status_of(busy.read_reply()), "200");
}

TEST(HttpServer, StopLetsARequestUnderWayEndAndClosesTheRest) {
  Running running;
  RawClient idle(running.port);
  RawClient busy(running.port);
  busy.send("GET /hold HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(
      running.eventually([&](const auto& stats) { return running.holding == 1 && stats.connections == 2; }));
  running.begin_stop(std::chrono::seconds(10));
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(RawClient(running.port).connected());
  running.release_held();
  const auto reply = busy.read_all();
  EXPECT_EQ(status_of(reply), "200");
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
  running.join();
  EXPECT_TRUE(running.bugs().empty());
}

TEST(HttpServer, StopEndsARequestThatOutlastsTheDeadline) {
  Running running;
  RawClient busy(running.port);
  busy.send("GET /hold HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(running.eventually([&](const auto&) { return running.holding == 1; }));
  running.stop(milliseconds(20));
  EXPECT_TRUE(busy.closed());
  EXPECT_TRUE(running.bugs().empty()) << running.bugs().front();
}

TEST(HttpServer, MayBeDestroyedWithClientsConnectedAndNeverStopped) {
  asio::io_context io(1);
  auto server = std::make_unique<HttpServer>(
      io.get_executor(), [](ServerRequest) -> Task<ServerReply> { co_return ServerReply(); },
      HttpServer::Limits(), [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  auto bound = server->listen(HostPort{.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(bound);
  RawClient client(bound->port);
  client.send("GET / HTT");
  const auto deadline = steady_clock::now() + kPatience;
  while (server->stats().connections == 0 && steady_clock::now() < deadline) io.run_one_for(milliseconds(10));
  ASSERT_EQ(server->stats().connections, 1U);
  server.reset();
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, ListenErrorsNameTheAddress) {
  Running running;
  asio::io_context io(1);
  HttpServer other(io.get_executor(), {}, {}, [](std::string_view, const std::string&) {});
  auto taken = other.listen(HostPort{.host = "127.0.0.1", .port = running.port});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message(),
            "listen on 127.0.0.1:" + std::to_string(running.port) + ": address in use");
  EXPECT_FALSE(other.listen(HostPort{.host = "no.such.host", .port = 0}));
  EXPECT_TRUE(other.listen(HostPort{.host = "localhost", .port = 0}));
}

/// Fills the table of descriptors for the time of its life.
class Exhausted {
 public:
  explicit Exhausted(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low{.rlim_cur = limit, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC); descriptor >= 0;
         descriptor = ::dup(descriptor)) {
      taken_.push_back(descriptor);
    }
  }
  ~Exhausted() {
    release();
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  Exhausted(const Exhausted&) = delete;
  Exhausted& operator=(const Exhausted&) = delete;
  void release() {
    for (const int descriptor : std::exchange(taken_, {})) ::close(descriptor);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST(HttpServer, AnswersFromItsReserveWhenDescriptorsRunOutAndDoesNotSpin) {
  Running running;
  // A socket of ours is made before the descriptors are gone; it connects afterwards.
  std::array<int, 8> sockets;
  for (int& socket : sockets) socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(running.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  {
    Exhausted exhausted(256);
    // Four are answered from the reserve and keep their handlers running; no further one can be accepted.
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      ASSERT_EQ(::connect(sockets[i], reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
      constexpr std::string_view kRequest = "GET /hold HTTP/1.1\r\n\r\n";
      ASSERT_EQ(::send(sockets[i], kRequest.data(), kRequest.size(), 0), ssize_t(kRequest.size()));
      if (i < 4) {
        ASSERT_TRUE(
            running.eventually([&](const auto&) { return running.holding == static_cast<int>(i) + 1; }));
      }
    }
    const auto before = running.stats().accept_failures;
    const auto start = steady_clock::now();
    ASSERT_TRUE(running.eventually([&](const auto& stats) { return stats.accept_failures >= before + 3; }));
    EXPECT_GE(steady_clock::now() - start, milliseconds(150)) << "a pause of 100 ms lies between failures";
    exhausted.release();
    ASSERT_TRUE(running.eventually([&](const auto&) { return running.holding == 8; }));
    running.release_held();
  }
  for (const int socket : sockets) {
    std::array<char, 4096> reply;
    EXPECT_GT(::recv(socket, reply.data(), reply.size(), 0), 12);
    ::close(socket);
  }
}

class ManyClients : public testing::Test {
 protected:
  static constexpr int kMany = 1000;

  static void SetUpTestSuite() {
    // Both ends of 3,000 connections are in this process.
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_max = std::max<rlim_t>(limit.rlim_max, 16384);
    limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, 16384);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  void open(std::string_view text, int receive_buffer = 0) {
    for (int i = 0; i < kMany; ++i) {
      clients_.emplace_back(running_.port, receive_buffer);
      ASSERT_TRUE(clients_.back().connected());
      if (!text.empty()) {
        ASSERT_TRUE(clients_.back().send(text));
      }
    }
  }
  /// How long a new client waits for its answer.
  steady_clock::duration scrape() {
    const auto start = steady_clock::now();
    RawClient client(running_.port);
    client.send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(client.read_reply()), "200");
    return steady_clock::now() - start;
  }

  Running running_;
  std::vector<RawClient> clients_;
};

TEST_F(ManyClients, IdleHalfSentAndSlowReadingOnesDoNotKeepAScrapeWaiting) {
  open("");
  EXPECT_LT(scrape(), std::chrono::seconds(1)) << "beside 1000 idle clients";
  open("GET / HTTP/1.1\r\nHost:");
  EXPECT_LT(scrape(), std::chrono::seconds(1)) << "beside 1000 half requests";
  open("GET /big HTTP/1.1\r\n\r\n", 4096);
  EXPECT_LT(scrape(), std::chrono::seconds(3)) << "beside 1000 slow readers";
  EXPECT_TRUE(running_.eventually([](const auto& stats) { return stats.requests >= kMany + 3; }));
  EXPECT_LT(scrape(), std::chrono::seconds(3));
  EXPECT_EQ(running_.stats().evicted, 0U);
  // All of them are gone when their deadlines have passed: 5 s, 5 s and 10 s.
  const auto start = steady_clock::now();
  EXPECT_TRUE(running_.eventually([](const auto& stats) { return stats.connections == 0; }));
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(15));
}

}  // namespace
}  // namespace qw::net
