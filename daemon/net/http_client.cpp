#include "daemon/net/http_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "daemon/net/http_reply.hpp"

namespace qw::net {
namespace {

/// A reply that is refused for its size has been read at most this far beyond the cap.
constexpr std::size_t kReadSize = 16 << 10;

/// Holds the "one exchange at a time" promise. Shared, as the frame of a coroutine may be destroyed after the
/// client.
class Busy {
 public:
  explicit Busy(std::shared_ptr<bool> busy) : busy_(std::move(busy)) {
    assert(!*busy_ && "one exchange at a time");
    *busy_ = true;
  }
  ~Busy() { *busy_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  std::shared_ptr<bool> busy_;
};

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";  // RFC 9110 5.6.2
  const auto allowed = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.contains(c);
  };
  return !text.empty() && std::ranges::all_of(text, allowed);
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; });
}

/// The bytes of a request, unless a part of it would forge another header or another request.
Result<std::string> compose(const HttpRequest& request, const HostPort& to) {
  if (!is_token(request.method)) return fail(ErrorKind::config, "http: the method is not a word");
  if (!request.target.starts_with('/') || has_control(request.target) || request.target.contains(' ')) {
    return fail(ErrorKind::config, "http: the request target must start with '/' and have no blanks");
  }
  std::string out =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: quorumwatch\r\nAccept-Encoding: identity\r\n",
                  request.method, request.target, to.print());
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || has_control(value))
      return fail(ErrorKind::config, "http: a request header is malformed");
    out += fmt::format("{}: {}\r\n", name, value);
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  out += "\r\n";
  out += request.body;
  return out;
}

}  // namespace

struct HttpClient::Impl {
  Impl(Net& net_, const Clock& clock_, HostPort to_, std::shared_ptr<TlsContext> tls_, Options options_)
      : net(net_), clock(clock_), to(std::move(to_)), tls(std::move(tls_)) {
    limits.max_body = options_.max_body;
    limits.max_header = options_.max_header;
  }

  /// How one attempt over one connection ended; `kept` is the connection if it may carry another.
  struct Attempt {
    explicit Attempt(Result<HttpReply> reply_) : reply(std::move(reply_)) {}
    Result<HttpReply> reply;
    std::unique_ptr<Stream> kept;
    bool reply_started = false;
  };
  Task<Attempt> attempt(std::unique_ptr<Stream> stream, std::string_view bytes, bool head,
                        SteadyTime deadline) const;

  Net& net;
  const Clock& clock;
  HostPort to;
  std::shared_ptr<TlsContext> tls;
  HttpReplyReader::Limits limits;
  std::unique_ptr<Stream> kept;
  std::shared_ptr<bool> busy = std::make_shared<bool>(false);
};

HttpClient::HttpClient(Net& net, const Clock& clock, HostPort to, std::shared_ptr<TlsContext> tls,
                       Options options)
    : impl_(std::make_unique<Impl>(net, clock, std::move(to), std::move(tls), options)) {}
HttpClient::~HttpClient() = default;

Task<Result<HttpReply>> HttpClient::exchange(HttpRequest request, SteadyTime deadline) {
  auto& self = *impl_;
  const Busy busy(self.busy);
  const bool head = request.method == "HEAD";
  auto bytes = compose(request, self.to);
  if (!bytes) co_return std::unexpected(bytes.error());
  // While an exchange is under way its connection belongs to it: whatever ends the exchange early also closes
  // it.
  auto stream = std::move(self.kept);
  if (stream && stream->quiet()) {
    auto attempted = co_await self.attempt(std::move(stream), *bytes, head, deadline);
    // The peer may close an idle connection in the very moment in which we use it; that says nothing about
    // its health.
    const bool stale =
        !attempted.reply && !attempted.reply_started && attempted.reply.error().kind() == ErrorKind::refused;
    if (!stale) {
      self.kept = std::move(attempted.kept);
      co_return std::move(attempted.reply);
    }
  }
  stream.reset();
  auto connected = co_await Stream::connect(self.net, self.to, self.tls, deadline);
  if (!connected) co_return std::unexpected(connected.error());
  auto attempted = co_await self.attempt(std::move(*connected), *bytes, head, deadline);
  self.kept = std::move(attempted.kept);
  co_return std::move(attempted.reply);
}

Task<HttpClient::Impl::Attempt> HttpClient::Impl::attempt(std::unique_ptr<Stream> stream,
                                                          std::string_view bytes, bool head,
                                                          SteadyTime deadline) const {
  HttpReply reply;
  reply.wall_sent = clock.wall();
  reply.sent = clock.steady();
  auto written = co_await stream->write(bytes, deadline);
  if (!written) co_return Attempt(std::unexpected(written.error()));
  HttpReplyReader reader(limits, head);
  std::array<char, kReadSize> buffer;
  while (!reader.done()) {
    auto got = co_await stream->read_some(buffer, deadline);
    reply.received = clock.steady();
    reply.wall_received = clock.wall();
    const bool closed = !got && got.error().message() == kClosedByPeer;
    Result<void> taken;
    if (got) {
      taken = reader.put(std::string_view(buffer.data(), *got));
    } else if (closed) {
      taken = reader.put_eof();
    } else {
      taken = std::unexpected(got.error());
    }
    if (!taken) {
      Attempt failed(std::unexpected(taken.error()));
      failed.reply_started = reader.started();
      co_return failed;
    }
  }
  reply.status = reader.status();
  reply.date = reader.date();
  reply.body = reader.take_body();
  Attempt done(std::move(reply));
  if (reader.reusable()) done.kept = std::move(stream);
  co_return done;
}

}  // namespace qw::net
