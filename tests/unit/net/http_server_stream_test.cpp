// Bodies that come in pieces: who reads slowly, who goes away, and how they end.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/net/http_server.hpp"

namespace qw::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(20);

/// Pieces as the test makes them.
class Pieces final : public ServerStream {
 public:
  explicit Pieces(asio::any_io_executor executor) : wake_(executor, steady_clock::time_point::max()) {}

  void give(std::string piece) {
    next_ = std::make_shared<const std::string>(std::move(piece));
    wake_.cancel();
  }
  Task<std::shared_ptr<const std::string>> next() override {
    ++asked;
    while (!closed && !next_) co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (closed) co_return nullptr;
    co_return std::exchange(next_, nullptr);
  }
  void close() override {
    closed = true;
    wake_.cancel();
  }

  int asked = 0;
  bool closed = false;

 private:
  asio::steady_timer wake_;
  std::shared_ptr<const std::string> next_;
};

class HttpServerStream : public testing::Test {
 protected:
  explicit HttpServerStream(HttpServer::Limits limits = limits_of_test())
      : tasks_(io_.get_executor(), [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }),
        server_(
            io_.get_executor(), [this](ServerRequest request) { return answer(std::move(request)); }, limits,
            [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }) {
    const auto bound = server_.listen(HostPort{.host = "127.0.0.1", .port = 0});
    EXPECT_TRUE(bound);
    port_ = bound->port;
  }
  ~HttpServerStream() override {
    for (const int socket : sockets_) ::close(socket);
    stop();
  }
  static HttpServer::Limits limits_of_test() {
    HttpServer::Limits limits;
    limits.write_timeout = milliseconds(300);
    limits.max_connections = 2;
    return limits;
  }

  Task<ServerReply> answer(ServerRequest request) {
    ServerReply reply;
    if (request.path == "/plain") {
      reply.body = std::make_shared<const std::string>("plain");
      co_return reply;
    }
    const auto executor = co_await asio::this_coro::executor;
    newest_ = std::make_shared<Pieces>(executor);
    reply.content_type = "text/event-stream";
    reply.stream = newest_;
    co_return reply;
  }

  int ask(std::string_view request_line, int receive_buffer = 0) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const auto text = std::string(request_line) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    sockets_.push_back(socket);
    return socket;
  }
  /// Runs the loop until it holds; false when it never does.
  bool until(const std::function<bool()>& holds) {
    const auto deadline = steady_clock::now() + kPatience;
    while (!holds()) {
      if (steady_clock::now() > deadline) return false;
      io_.restart();
      io_.run_for(milliseconds(2));
    }
    return true;
  }
  /// What has come, and whether the server has closed.
  void read(int socket) {
    std::array<char, 65536> bytes;
    for (;;) {
      const auto got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) ended_ = true;
      if (got <= 0) return;
      received_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }
  bool reads(int socket, std::string_view text) {
    return until([&] {
      read(socket);
      return received_.find(text) != std::string::npos;
    });
  }
  bool ends(int socket) {
    return until([&] {
      read(socket);
      return ended_;
    });
  }
  void stop() {
    if (std::exchange(stopped_, true)) return;
    tasks_.spawn("stop", server_.stop(steady_clock::now() + std::chrono::seconds(5)));
    EXPECT_TRUE(until([&] { return tasks_.size() == 0; }));
  }

  asio::io_context io_{1};
  async::TaskGroup tasks_;
  HttpServer server_;
  std::uint16_t port_ = 0;
  std::shared_ptr<Pieces> newest_;
  std::vector<int> sockets_;
  std::string received_;
  bool ended_ = false;
  bool stopped_ = false;
};

TEST_F(HttpServerStream, SendsPiecesAsTheyComeWithoutALength) {
  const int client = ask("GET /");
  ASSERT_TRUE(reads(client, "\r\n\r\n"));
  EXPECT_NE(received_.find("Content-Type: text/event-stream\r\n"), std::string::npos) << received_;
  EXPECT_NE(received_.find("Connection: close\r\n"), std::string::npos) << received_;
  EXPECT_EQ(received_.find("Content-Length"), std::string::npos) << received_;
  newest_->give("one");
  ASSERT_TRUE(reads(client, "one"));
  newest_->give("two");
  ASSERT_TRUE(reads(client, "onetwo"));
  newest_->close();
  EXPECT_TRUE(ends(client));
  EXPECT_EQ(server_.stats().timeouts, 0U);
}

TEST_F(HttpServerStream, WaitsForTheNextPieceLongerThanAnythingElseMayTake) {
  const int client = ask("GET /");
  ASSERT_TRUE(reads(client, "\r\n\r\n"));
  const auto began = steady_clock::now();
  until([&] { return steady_clock::now() - began > milliseconds(600); });
  newest_->give("late");
  EXPECT_TRUE(reads(client, "late"));
}

TEST_F(HttpServerStream, ASlowReaderIsAskedForNoMoreAndIsClosedInTheEnd) {
  const int client = ask("GET /", 4096);
  ASSERT_TRUE(until([&] { return newest_ && newest_->asked == 1; }));
  newest_->give(std::string(std::size_t{8} << 20, 'x'));
  ASSERT_TRUE(until([&] { return server_.stats().timeouts == 1; }));
  EXPECT_EQ(newest_->asked, 1) << "nothing is made for those who have not read what was made before";
  EXPECT_TRUE(until([&] { return server_.stats().connections == 0; }));
  EXPECT_TRUE(ends(client));
}

TEST_F(HttpServerStream, AClientThatHasGoneIsNoticedAtTheNextPiece) {
  const int client = ask("GET /");
  ASSERT_TRUE(reads(client, "\r\n\r\n"));
  ::shutdown(client, SHUT_RDWR);
  newest_->give("one");
  EXPECT_TRUE(until([&] { return server_.stats().connections == 0; }));
}

TEST_F(HttpServerStream, MakesRoomForOthers) {
  const int first = ask("GET /");
  ASSERT_TRUE(reads(first, "\r\n\r\n"));
  const auto watched = newest_;
  ask("GET /");
  ASSERT_TRUE(until([&] { return newest_ != watched; }));
  received_.clear();
  const int scrape = ask("GET /plain");
  EXPECT_TRUE(reads(scrape, "plain"));
  EXPECT_TRUE(watched->closed) << "the one that has watched longest";
  EXPECT_EQ(server_.stats().evicted, 1U);
}

TEST_F(HttpServerStream, EndsAtOnceWhenTheServerStops) {
  const int client = ask("GET /");
  ASSERT_TRUE(reads(client, "\r\n\r\n"));
  const auto began = steady_clock::now();
  stop();
  EXPECT_TRUE(newest_->closed);
  EXPECT_TRUE(ends(client));
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(3));
}

TEST_F(HttpServerStream, TheHeadOfAStreamIsAllThatHeadGets) {
  const int client = ask("HEAD /");
  EXPECT_TRUE(ends(client));
  EXPECT_TRUE(received_.ends_with("\r\n\r\n")) << received_;
  EXPECT_TRUE(newest_->closed);
}

}  // namespace
}  // namespace qw::net
