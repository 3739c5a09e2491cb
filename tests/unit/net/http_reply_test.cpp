#include "daemon/net/http_reply.hpp"

#include <gtest/gtest.h>

namespace qw::net {
namespace {

using Limits = HttpReplyReader::Limits;

Limits small() {
  Limits limits;
  limits.max_body = 1000;
  limits.max_header = 500;
  return limits;
}

struct Read {
  Result<void> result;
  bool done = false;
  bool reusable = false;
  unsigned status = 0;
  std::string body;
  std::string date;
};

/// Feeds `wire` in pieces of `step` bytes, then the end of the stream if the reply is not complete.
Read read(std::string_view wire, std::size_t step, bool head = false) {
  HttpReplyReader reader(small(), head);
  Read out;
  while (!wire.empty() && out.result && !reader.done()) {
    out.result = reader.put(wire.substr(0, step));
    wire.remove_prefix(std::min(step, wire.size()));
  }
  if (out.result && !reader.done()) out.result = reader.put_eof();
  out.done = reader.done();
  out.reusable = wire.empty() && reader.reusable();
  out.status = reader.status();
  out.date = reader.date();
  out.body = reader.take_body();
  return out;
}

constexpr std::size_t kSteps[] = {1, 2, 3, 7, 64, 100'000};

TEST(HttpReplyReader, ReadsEveryFramingWhateverThePieces) {
  struct Case {
    const char* wire;
    bool head;
    unsigned status;
    const char* body;
    bool reusable;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", true},
      {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false, 200, "", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", false, 200, "hello", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello", false, 200, "hello",
       true},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", false, 200, "until the end", false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", false, 200,
       "hello!", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", false, 200,
       "hello", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, 200, "", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", false, 200, "", true},
      {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, "", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, 200, "", true},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", false, 503, "no", true},
      {"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok",
       true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", false, 200, "ok", true},
  };
  for (const auto& c : cases) {
    for (const std::size_t step : kSteps) {
      const auto got = read(c.wire, step, c.head);
      ASSERT_TRUE(got.result) << c.wire << " by " << step << ": " << got.result.error().message();
      EXPECT_TRUE(got.done) << c.wire;
      EXPECT_EQ(got.status, c.status) << c.wire;
      EXPECT_EQ(got.body, c.body) << c.wire;
      EXPECT_EQ(got.reusable, c.reusable) << c.wire << " by " << step;
    }
  }
}

TEST(HttpReplyReader, KeepsTheDateAndIgnoresTrailers) {
  const char* wire =
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\nDate: Mon, 07 Nov 1994 08:49:37 GMT\r\nContent-Encoding: gzip\r\n\r\n";
  for (const std::size_t step : kSteps) {
    const auto got = read(wire, step);
    ASSERT_TRUE(got.result);
    EXPECT_EQ(got.date, "Sun, 06 Nov 1994 08:49:37 GMT");
  }
  const auto endless = read("HTTP/1.1 204 No\r\nDate: " + std::string(100, 'x') + "\r\n\r\n", 1000);
  EXPECT_TRUE(endless.result);
  EXPECT_EQ(endless.date, "");
}

TEST(HttpReplyReader, RefusesWhatIsNoReply) {
  const char* cases[] = {
      "garbage\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nContent-Le",
      "HTTP/1.1 100 Continue\r\n\r\n",
  };
  for (const char* wire : cases) {
    for (const std::size_t step : kSteps) {
      const auto got = read(wire, step);
      ASSERT_FALSE(got.result) << wire << " by " << step << " was read as " << got.status;
      EXPECT_EQ(got.result.error().kind(), ErrorKind::protocol) << wire << " by " << step;
    }
  }
}

TEST(HttpReplyReader, CallsAnEmptyStreamClosed) {
  const auto got = read("", 1);
  ASSERT_FALSE(got.result);
  EXPECT_EQ(got.result.error(), Error(ErrorKind::refused, "closed by peer"));
}

TEST(HttpReplyReader, StopsAtItsCaps) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  std::string many_fields, many_chunks, many_interim_fields;
  for (int i = 0; i < 1000; ++i) many_fields += "A: b\r\n";
  for (int i = 0; i < 2000; ++i) many_chunks += "1\r\nx\r\n";
  for (int i = 0; i < 8; ++i)
    many_interim_fields += "HTTP/1.1 100 Go\r\nA: " + std::string(80, 'x') + "\r\n\r\n";
  const std::string cases[] = {
      ok + "A: " + std::string(2000, 'x'),
      ok + many_fields,
      many_interim_fields,
      ok + "Content-Length: 1001\r\n\r\n",
      ok + "Content-Length: 18446744073709551615\r\n\r\n",
      ok + "\r\n" + std::string(2000, 'x'),
      chunked + "3e9\r\n",
      chunked + "ffffffffffffffff\r\n",
      chunked + many_chunks,
      chunked + "1;" + std::string(3000, 'x'),
      chunked + "1\r\nx\r\n0\r\n" + many_fields,
  };
  for (const auto& wire : cases) {
    for (const std::size_t step : kSteps) {
      const auto got = read(wire, step);
      ASSERT_FALSE(got.result) << wire.substr(0, 60) << " by " << step;
      EXPECT_EQ(got.result.error().kind(), ErrorKind::too_large)
          << wire.substr(0, 60) << " by " << step << ": " << got.result.error().message();
    }
  }
}

TEST(HttpReplyReader, TakesABodyOfExactlyTheCap) {
  const std::string body(1000, 'x');
  for (const std::size_t step : kSteps) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body, step).body, body);
    EXPECT_EQ(
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + "\r\n0\r\n\r\n", step)
            .body,
        body);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\n" + body, step).body, body);
  }
}

TEST(HttpReplyReader, SkipsEightInterimRepliesAndNoMore) {
  const std::string go = "HTTP/1.1 103 Go\r\n\r\n";
  std::string eight;
  for (int i = 0; i < 8; ++i) eight += go;
  const std::string last = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  EXPECT_TRUE(read(eight + last, 5).result);
  const auto nine = read(eight + go + last, 5);
  ASSERT_FALSE(nine.result);
  EXPECT_EQ(nine.result.error().message(), "http: too many interim replies");
}

TEST(HttpReplyReader, IsNotReusableWithBytesLeftOver) {
  HttpReplyReader reader(small(), false);
  ASSERT_TRUE(reader.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.reusable());
  EXPECT_EQ(reader.take_body(), "ok");
}

}  // namespace
}  // namespace qw::net
