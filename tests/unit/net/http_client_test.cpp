#include "daemon/net/http_client.hpp"

#include "tests/unit/net/loopback.hpp"

namespace qw::net {
namespace {

using test::in;
using test::milliseconds;
using test::Play;
using test::Server;
using test::steady_clock;

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpClientTest : public test::LoopbackTest {
 protected:
  void TearDown() override {
    client_.reset();
    server_.reset();
    net_.reset();
    resolver_.reset();
    LoopbackTest::TearDown();
  }

  test::Script& serve(Play play, const std::string& reply) {
    server_ = std::make_unique<Server>(loop(), play);
    server_->script().reply = reply;
    make_client(server_->address());
    return server_->script();
  }
  void make_client(const HostPort& to) {
    client_.reset();
    resolver_ = std::make_unique<Resolver>(loop().executor(), Resolver::Options());
    net_ = std::make_unique<Net>(loop().executor(), *resolver_);
    HttpClient::Options options;
    options.max_body = 100'000;
    client_ = std::make_unique<HttpClient>(*net_, clock_, to, nullptr, options);
  }
  void close_server() { server_.reset(); }

  Result<HttpReply> get(milliseconds within = milliseconds(3000)) {
    return exchange(HttpRequest("GET", "/x"), within);
  }
  Result<HttpReply> exchange(HttpRequest request, milliseconds within = milliseconds(3000)) {
    return loop().run(client_->exchange(std::move(request), in(within)));
  }
  HttpClient& client() { return *client_; }
  void drop_client() { client_.reset(); }

 private:
  SystemClock clock_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Net> net_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, AsksAndKeepsTheConnection) {
  auto& script = serve(
      test::answer, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nok");
  for (int i = 1; i <= 3; ++i) {
    const auto got = get();
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 200U);
    EXPECT_EQ(got->body, "ok");
    EXPECT_EQ(got->date, "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(script.requests, i);
    EXPECT_EQ(script.connections, 1);
  }
  EXPECT_TRUE(script.request.starts_with("GET /x HTTP/1.1\r\nHost: 127.0.0.1:")) << script.request;
  EXPECT_NE(script.request.find("\r\nAccept-Encoding: identity\r\n"), std::string::npos);
}

TEST_F(HttpClientTest, SendsBodyAndHeaders) {
  auto& script = serve(test::answer, kOk);
  HttpRequest request("POST", "/v3/maintenance/status");
  request.body = "{}";
  request.headers.emplace_back("Authorization", "Bearer x");
  ASSERT_TRUE(exchange(std::move(request)));
  EXPECT_NE(script.request.find("\r\nAuthorization: Bearer x\r\n"), std::string::npos);
  EXPECT_NE(script.request.find("\r\nContent-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(script.request.ends_with("\r\n\r\n{}")) << script.request;
}

TEST_F(HttpClientTest, RefusesRequestsThatWouldForgeHeaders) {
  auto& script = serve(test::answer, kOk);
  HttpRequest forged("GET", "/x");
  forged.headers.emplace_back("A", "b\r\nC: d");
  HttpRequest odd_name("GET", "/x");
  odd_name.headers.emplace_back("A b", "c");
  for (const auto& request :
       {HttpRequest("GET", "/x\r\nA: b"), HttpRequest("GET", "/a b"), HttpRequest("GET", "http://x/"),
        HttpRequest("GET", ""), HttpRequest("G T", "/"), HttpRequest("", "/"), forged, odd_name}) {
    const auto got = exchange(request);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::config);
  }
  EXPECT_EQ(script.connections, 0);
}

TEST_F(HttpClientTest, StampsTheRequestAfterTheConnectionIsThere) {
  serve(test::trickle, kOk);
  const auto before = steady_clock::now();
  const auto wall_before = std::chrono::system_clock::now();
  const auto got = get();
  const auto after = steady_clock::now();
  ASSERT_TRUE(got);
  EXPECT_GE(got->sent, before);
  EXPECT_LE(got->received, after);
  // 40 bytes, 10 ms apart.
  EXPECT_GE(got->received - got->sent, milliseconds(300));
  EXPECT_GE(got->wall_sent, wall_before);
  EXPECT_GE(got->wall_received - got->wall_sent, milliseconds(300));
}

TEST_F(HttpClientTest, TakesAnyStatusForAReplyAndFollowsNoRedirect) {
  auto& script =
      serve(test::answer, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  const auto got = get();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 302U);
  EXPECT_EQ(script.requests, 1);
}

TEST_F(HttpClientTest, MakesAFreshConnectionWhenThePeerClosedTheKeptOne) {
  // The reply promises a kept connection, and the peer closes it all the same.
  auto& script = serve(test::answer_and_close, kOk);
  for (int i = 1; i <= 3; ++i) {
    const auto got = get();
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(script.connections, i);
    EXPECT_EQ(script.requests, i) << "a request was sent twice";
    ASSERT_TRUE(loop().until([&] { return script.ended == i; }));
  }
}

/// Answers the first request of a connection and closes at the second, as a server does whose idle time has
/// run out.
Task<void> answer_once_then_close(std::shared_ptr<test::Script> script, test::tcp::socket socket) {
  auto first = co_await test::read_request(socket, script->request);
  if (!first) co_return;
  ++script->requests;
  co_await socket.async_send(asio::buffer(script->reply), asio::use_awaitable);
  co_await test::read_request(socket, script->request);
}

TEST_F(HttpClientTest, TriesOnceMoreWhenTheKeptConnectionClosesBeforeAnyByte) {
  auto& script = serve(answer_once_then_close, kOk);
  for (int i = 1; i <= 3; ++i) {
    const auto got = get();
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(script.connections, i);
  }
}

TEST_F(HttpClientTest, DoesNotTryAgainOnAFreshConnection) {
  auto& script = serve(test::answer_and_close, "");
  const auto got = get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), Error(ErrorKind::refused, "closed by peer"));
  EXPECT_EQ(script.connections, 1);
}

TEST_F(HttpClientTest, DropsAConnectionWithBytesLeftOver) {
  auto& script = serve(test::answer, kOk + "HTTP/1.1 500 Forged\r\nContent-Length: 0\r\n\r\n");
  for (int i = 1; i <= 2; ++i) {
    const auto got = get();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200U);
    EXPECT_EQ(script.connections, i);
  }
}

/// Sends a second answer nobody asked for once the first has been read.
Task<void> answer_then_push(std::shared_ptr<test::Script> script, test::tcp::socket socket) {
  auto asked = co_await test::read_request(socket, script->request);
  if (!asked) co_return;
  co_await socket.async_send(asio::buffer(script->reply), asio::use_awaitable);
  auto slept = co_await async::sleep_until(in(milliseconds(10)));
  if (!slept) co_return;
  const std::string late = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
  co_await socket.async_send(asio::buffer(late), asio::use_awaitable);
  ++script->requests;
  co_await test::read_request(socket, script->request);
}

TEST_F(HttpClientTest, NeverTakesAnAnswerThatCameBeforeItsRequest) {
  auto& script = serve(answer_then_push, kOk);
  ASSERT_TRUE(get());
  ASSERT_TRUE(loop().until([&] { return script.requests == 1; }));
  const auto got = get();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 200U);
  EXPECT_EQ(script.connections, 2);
}

TEST_F(HttpClientTest, ReportsEachWayInWhichAPeerFails) {
  struct Case {
    const char* name;
    Play play;
    std::string reply;
    ErrorKind kind;
    const char* words;
  };
  const Case cases[] = {
      {"half a header", test::answer_and_close, "HTTP/1.1 200 OK\r\nConte", ErrorKind::protocol, "cut off"},
      {"half a body", test::answer_and_close, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
       ErrorKind::protocol, "cut off"},
      {"reset in the body", test::answer_and_reset, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
       ErrorKind::refused, "reset"},
      {"reset at once", test::answer_and_reset, "", ErrorKind::refused, "reset"},
      {"garbage", test::answer, "-ERR unknown command 'GET'\r\n", ErrorKind::protocol,
       "http: not an http reply"},
      {"one wrong byte", test::answer, "x", ErrorKind::protocol, "http: not an http reply"},
      {"a tls alert", test::answer, "\x15\x03\x01", ErrorKind::protocol, "http: the peer speaks tls"},
      {"compressed", test::answer, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
       ErrorKind::protocol, "compressed"},
  };
  for (const auto& c : cases) {
    serve(c.play, c.reply);
    const auto got = get();
    ASSERT_FALSE(got) << c.name;
    EXPECT_EQ(got.error().kind(), c.kind) << c.name << ": " << got.error().message();
    EXPECT_NE(got.error().message().find(c.words), std::string::npos)
        << c.name << ": " << got.error().message();
  }
}

TEST_F(HttpClientTest, HoldsItsDeadlineAgainstMuteAndSlowPeers) {
  struct Case {
    Play play;
    std::string reply;
  };
  const Case cases[] = {
      {test::stay_mute, ""},
      {test::trickle, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x')},
      {test::answer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"}};
  for (const auto& c : cases) {
    serve(c.play, c.reply);
    const auto start = steady_clock::now();
    const auto got = get(milliseconds(100));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::timeout) << got.error().message();
    EXPECT_GE(steady_clock::now() - start, milliseconds(100));
    EXPECT_LT(steady_clock::now() - start, milliseconds(500));
  }
}

TEST_F(HttpClientTest, StopsReadingAtTheCap) {
  struct Case {
    const char* name;
    std::string reply;
    std::string endless;
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Case cases[] = {
      {"announced body", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "x"},
      {"body without length", "HTTP/1.1 200 OK\r\n\r\n", "x"},
      {"endless header line", "HTTP/1.1 200 OK\r\nA: ", "x"},
      {"endless header", "HTTP/1.1 200 OK\r\n", "A: b\r\n"},
      {"endless status line", "HTTP/1.1 200 ", "x"},
      {"endless chunks", chunked, "1\r\nx\r\n"},
      {"huge chunk", chunked + "3b9aca00\r\n", "x"},
      {"endless chunk extension", chunked + "1;a=", "x"},
      {"endless trailers", chunked + "0\r\n", "A: b\r\n"},
      {"endless interim replies", "", "HTTP/1.1 100 Go\r\n\r\n"},
  };
  for (const auto& c : cases) {
    auto& script = serve(test::flood, c.reply);
    script.endless = c.endless;
    const auto got = get();
    ASSERT_FALSE(got) << c.name;
    const bool interim = c.reply.empty();
    EXPECT_EQ(got.error().kind(), interim ? ErrorKind::protocol : ErrorKind::too_large)
        << c.name << ": " << got.error().message();
    ASSERT_TRUE(loop().until([&] { return script.ended == 1; })) << c.name;
    // Kernel buffers of both ends stand between what the server sent and what was read.
    EXPECT_LT(script.sent, std::size_t{16} << 20) << c.name;
    EXPECT_TRUE(loop().until([&] { return script.ended == script.connections; }));
  }
}

TEST_F(HttpClientTest, RecoversWhenThePeerComesBack) {
  auto& script = serve(test::answer, kOk);
  ASSERT_TRUE(get());
  EXPECT_EQ(script.connections, 1);
  HostPort address;
  {
    Server gone(loop(), test::answer);
    address = gone.address();
  }
  make_client(address);
  const auto refused = get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Error(ErrorKind::refused, "connection refused"));
  Server back(loop(), test::answer, "127.0.0.1", address.port);
  back.script().reply = kOk;
  EXPECT_TRUE(get());
}

Task<void> exchange_into(HttpClient& client, std::shared_ptr<int> ended, SteadyTime deadline) {
  HttpRequest request("GET", "/x");
  static_cast<void>(co_await client.exchange(std::move(request), deadline));
  ++*ended;
}

TEST_F(HttpClientTest, MayBeCanceledAtAnyTurnAndUsedAgain) {
  for (const Play play : {test::answer, test::trickle, test::stay_mute}) {
    auto& script = serve(play, kOk);
    for (int turns = 0; turns < 15; ++turns) {
      auto ended = std::make_shared<int>(0);
      async::TaskGroup group(loop().executor(), [](std::string_view, const std::string&) {});
      group.spawn("canceled", exchange_into(client(), ended, in(milliseconds(5000))));
      int turn = 0;
      loop().until([&] { return turn++ >= turns || group.size() == 0; });
      group.cancel();
      EXPECT_TRUE(loop().until([&] { return group.size() == 0; }));
    }
    if (play == test::answer) {
      EXPECT_TRUE(get());
    }
    drop_client();
    EXPECT_TRUE(loop().until([&] { return script.ended == script.connections; }))
        << "a connection is left open";
  }
}

TEST(HttpClientAtTheEnd, SurvivesALoopThatIsDestroyedUnderIt) {
  const auto base = test::open_descriptors();
  {
    asio::io_context io(1);
    Resolver resolver(io.get_executor(), Resolver::Options());
    Net net(io.get_executor(), resolver);
    const SystemClock clock;
    test::tcp::acceptor listener(io, test::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    const HostPort to("127.0.0.1", listener.local_endpoint().port());
    auto client = std::make_unique<HttpClient>(net, clock, to, nullptr, HttpClient::Options());
    async::TaskGroup group(io.get_executor(), [](std::string_view, const std::string&) {});
    group.spawn("left", exchange_into(*client, std::make_shared<int>(0), in(milliseconds(5000))));
    io.run_for(milliseconds(20));
    EXPECT_EQ(group.size(), 1U);
    client.reset();
  }
  EXPECT_EQ(test::open_descriptors(), base);
}

}  // namespace
}  // namespace qw::net
