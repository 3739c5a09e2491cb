#include "daemon/net/stream.hpp"

#include <sys/resource.h>

#include "tests/unit/net/loopback.hpp"

namespace qw::net {
namespace {

using test::in;
using test::milliseconds;
using test::Server;
using test::steady_clock;
using Connected = Result<std::unique_ptr<Stream>>;

class StreamTest : public test::LoopbackTest {
 protected:
  void TearDown() override {
    net_.reset();
    resolver_.reset();
    LoopbackTest::TearDown();
  }
  Net& net() {
    if (!net_) {
      resolver_ = std::make_unique<Resolver>(loop().executor(), Resolver::Options());
      net_ = std::make_unique<Net>(loop().executor(), *resolver_);
    }
    return *net_;
  }
  Connected connect(const HostPort& to, milliseconds within) {
    return loop().run(Stream::connect(net(), to, nullptr, in(within)));
  }
  std::unique_ptr<Stream> connected(const HostPort& to) {
    auto stream = connect(to, milliseconds(2000));
    EXPECT_TRUE(stream) << stream.error().message();
    return std::move(*stream);
  }

 private:
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Net> net_;
};

/// All that comes until an error; the error.
Task<Error> read_all(Stream& stream, std::string& into, SteadyTime deadline) {
  std::array<char, 100> buffer;
  for (;;) {
    auto got = co_await stream.read_some(buffer, deadline);
    if (!got) co_return got.error();
    into.append(buffer.data(), *got);
  }
}

Task<Result<void>> write_all(Stream& stream, std::string bytes, SteadyTime deadline) {
  co_return co_await stream.write(bytes, deadline);
}

TEST_F(StreamTest, CarriesBytesBothWaysAndEndsWithTheStream) {
  Server server(loop(), test::answer_and_close);
  server.script().reply = "pong";
  auto stream = connected(server.address());
  EXPECT_EQ(stream->peer(), server.address().print());
  EXPECT_TRUE(loop().run(write_all(*stream, "ping\r\n\r\n", in(milliseconds(2000)))));
  std::string got;
  EXPECT_EQ(loop().run(read_all(*stream, got, in(milliseconds(2000)))),
            Error(ErrorKind::refused, "closed by peer"));
  EXPECT_EQ(got, "pong");
  EXPECT_EQ(server.script().request, "ping\r\n\r\n");
}

TEST_F(StreamTest, SaysThatNobodyListens) {
  HostPort closed;
  {
    Server server(loop(), test::stay_mute);
    closed = server.address();
  }
  const auto start = steady_clock::now();
  const auto got = connect(closed, milliseconds(5000));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), Error(ErrorKind::refused, "connection refused"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(1000));
}

TEST_F(StreamTest, GivesUpConnectingAtTheDeadline) {
  test::BlackHole hole(loop());
  const auto start = steady_clock::now();
  const auto got = connect(hole.address(), milliseconds(100));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), Error(ErrorKind::timeout, "deadline exceeded while connecting"));
  EXPECT_GE(steady_clock::now() - start, milliseconds(100));
  EXPECT_LT(steady_clock::now() - start, milliseconds(400));
}

TEST_F(StreamTest, GivesUpReadingAtTheDeadlineAndStaysUnusable) {
  Server server(loop(), test::stay_mute);
  auto stream = connected(server.address());
  std::string got;
  const auto start = steady_clock::now();
  EXPECT_EQ(loop().run(read_all(*stream, got, start + milliseconds(50))).kind(), ErrorKind::timeout);
  EXPECT_LT(steady_clock::now() - start, milliseconds(350));
  EXPECT_EQ(loop().run(read_all(*stream, got, in(milliseconds(1000)))).kind(), ErrorKind::timeout);
  const auto written = loop().run(write_all(*stream, "x", in(milliseconds(1000))));
  ASSERT_FALSE(written);
  EXPECT_TRUE(loop().until([&] { return server.script().ended == 1; })) << "the socket is not closed";
}

TEST_F(StreamTest, TrickledBytesDoNotMoveTheDeadline) {
  Server server(loop(), test::trickle);
  server.script().reply = std::string(1000, 'x');
  auto stream = connected(server.address());
  ASSERT_TRUE(loop().run(write_all(*stream, "\r\n\r\n", in(milliseconds(1000)))));
  std::string got;
  const auto start = steady_clock::now();
  EXPECT_EQ(loop().run(read_all(*stream, got, start + milliseconds(150))).kind(), ErrorKind::timeout);
  EXPECT_LT(steady_clock::now() - start, milliseconds(450));
  EXPECT_GE(got.size(), 2U);
  EXPECT_LE(got.size(), 20U);
}

TEST_F(StreamTest, GivesUpWritingToAPeerThatNeverReads) {
  Server server(loop(), test::never_read);
  auto stream = connected(server.address());
  const auto start = steady_clock::now();
  const auto written = loop().run(write_all(*stream, std::string(64 << 20, 'x'), start + milliseconds(100)));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), Error(ErrorKind::timeout, "deadline exceeded while writing"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(1500));
}

TEST_F(StreamTest, SaysThatThePeerResetTheConnection) {
  Server server(loop(), test::answer_and_reset);
  auto stream = connected(server.address());
  ASSERT_TRUE(loop().run(write_all(*stream, "\r\n\r\n", in(milliseconds(1000)))));
  std::string got;
  EXPECT_EQ(loop().run(read_all(*stream, got, in(milliseconds(1000)))),
            Error(ErrorKind::refused, "connection reset by peer"));
}

TEST_F(StreamTest, ADeadlineThatHasPassedIsAnErrorEvenWhenBytesWait) {
  Server server(loop(), test::answer);
  server.script().reply = "pong";
  auto stream = connected(server.address());
  ASSERT_TRUE(loop().run(write_all(*stream, "\r\n\r\n", in(milliseconds(1000)))));
  ASSERT_TRUE(loop().until([&] { return !stream->quiet(); }));
  std::string got;
  EXPECT_EQ(loop().run(read_all(*stream, got, steady_clock::now())).kind(), ErrorKind::timeout);
  EXPECT_EQ(got, "");
}

TEST_F(StreamTest, IsQuietUntilSomethingComes) {
  Server server(loop(), test::answer_and_close);
  auto stream = connected(server.address());
  EXPECT_TRUE(stream->quiet());
  ASSERT_TRUE(loop().run(write_all(*stream, "\r\n\r\n", in(milliseconds(1000)))));
  EXPECT_TRUE(loop().until([&] { return !stream->quiet(); })) << "the end of the stream goes unnoticed";
}

TEST_F(StreamTest, ClosesAtOnceWhenDestroyed) {
  Server server(loop(), test::stay_mute);
  auto stream = connected(server.address());
  ASSERT_TRUE(loop().until([&] { return server.script().connections == 1; }));
  stream.reset();
  EXPECT_TRUE(loop().until([&] { return server.script().ended == 1; }));
}

TEST_F(StreamTest, OpensSocketsThatChildrenDoNotInherit) {
  Server server(loop(), test::stay_mute);
  net();
  const int next = ::dup(0);  // the lowest free descriptor, which the socket will take
  ::close(next);
  auto stream = connected(server.address());
  EXPECT_NE(::fcntl(next, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(StreamTest, CallsALackOfDescriptorsItsOwnTrouble) {
  Server server(loop(), test::stay_mute);
  const auto to = server.address();
  net();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(0);
  ::close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto got = connect(to, milliseconds(1000));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), Error(ErrorKind::internal, "out of file descriptors"));
}

TEST_F(StreamTest, CallsAnAddressWithoutRouteUnreachable) {
  // Limited broadcast (RFC 919 7) has no TCP: the kernel refuses it without sending anything.
  const auto got = connect(HostPort("255.255.255.255", 80), milliseconds(1000));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind(), ErrorKind::unreachable) << got.error().message();
}

/// Starts `begin` in a group of its own, and cancels it after `turns` of the loop.
template <class T>
void cancel_after(test::Loop& loop, Task<T> task, int turns) {
  struct Kept {
    static Task<void> keep(Task<T> inner, std::shared_ptr<int> ended) {
      static_cast<void>(co_await std::move(inner));
      ++*ended;
    }
  };
  auto ended = std::make_shared<int>(0);
  async::TaskGroup group(loop.executor(), [](std::string_view, const std::string&) {});
  group.spawn("canceled", Kept::keep(std::move(task), ended));
  int turn = 0;
  loop.until([&] { return turn++ >= turns || group.size() == 0; });
  group.cancel();
  EXPECT_TRUE(loop.until([&] { return group.size() == 0; })) << "does not end after " << turns << " turns";
}

Task<Result<void>> talk(Net& net, HostPort to) {
  const auto deadline = in(milliseconds(5000));
  auto stream = co_await Stream::connect(net, to, nullptr, deadline);
  if (!stream) co_return std::unexpected(stream.error());
  auto written = co_await (*stream)->write("\r\n\r\n", deadline);
  if (!written) co_return written;
  std::array<char, 10> buffer;
  for (;;) {
    auto got = co_await (*stream)->read_some(buffer, deadline);
    if (!got) co_return std::unexpected(got.error());
  }
}

TEST_F(StreamTest, MayBeCanceledInEveryState) {
  Server mute(loop(), test::stay_mute);
  Server chatty(loop(), test::trickle);
  chatty.script().reply = std::string(1000, 'x');
  test::BlackHole hole(loop());
  for (int turns = 0; turns < 12; ++turns) {
    cancel_after(loop(), talk(net(), mute.address()), turns);
    cancel_after(loop(), talk(net(), chatty.address()), turns);
    cancel_after(loop(), talk(net(), hole.address()), turns % 4);
  }
  EXPECT_TRUE(loop().until([&] { return mute.script().ended == mute.script().connections; }));
}

TEST(StreamAtTheEnd, SurvivesALoopThatIsDestroyedUnderIt) {
  const auto base = test::open_descriptors();
  {
    asio::io_context io(1);
    Resolver resolver(io.get_executor(), Resolver::Options());
    Net net(io.get_executor(), resolver);
    test::tcp::acceptor listener(io, test::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    async::TaskGroup group(io.get_executor(), [](std::string_view, const std::string&) {});
    struct Forget {
      static Task<void> keep(Task<Result<void>> inner) { static_cast<void>(co_await std::move(inner)); }
    };
    group.spawn("left", Forget::keep(talk(net, HostPort("127.0.0.1", listener.local_endpoint().port()))));
    io.run_for(milliseconds(20));
    EXPECT_EQ(group.size(), 1U);
  }
  EXPECT_EQ(test::open_descriptors(), base);
}

}  // namespace
}  // namespace qw::net
