#include "daemon/net/http_reply.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

namespace qw::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

/// The shortest end of a chunked body, "0", CRLF, CRLF. Beast 1.81 aborts on an assertion
/// (basic_parser::parse_chunk_header) when an empty body's last chunk comes in smaller pieces; found by
/// tests/fuzz/http_client_fuzz.
constexpr std::size_t kLastChunk = 5;
/// More interim replies than this are an attack, not a conversation.
constexpr int kMaxInterim = 8;
/// An IMF-fixdate has 29 bytes (RFC 9110 5.6.7); a little more is tolerated, the rest is not a date.
constexpr std::size_t kMaxDate = 64;

/// Collects what we look at; all other fields are checked by Beast and forgotten.
class ReplyParser final : public http::basic_parser<false> {
 public:
  int version = 0;
  unsigned status = 0;
  bool in_header = true;
  std::string date;
  std::string body;
  std::optional<Error> problem;  // says more than Beast's error code

 private:
  void on_request_impl(http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
  void on_response_impl(int code, beast::string_view, int version_, error_code&) override {
    status = static_cast<unsigned>(code);
    version = version_;
  }
  void on_field_impl(http::field name, beast::string_view, beast::string_view value,
                     error_code& error) override {
    if (!in_header) return;  // trailers say nothing that we believe
    if (name == http::field::date && value.size() <= kMaxDate) date.assign(value.data(), value.size());
    const bool plain = value.empty() || beast::iequals(value, "identity");
    if (name == http::field::content_encoding && !plain) refuse("compressed although not asked for", error);
    if (name == http::field::transfer_encoding && !plain && !beast::iequals(value, "chunked")) {
      refuse("unknown transfer encoding", error);
    }
  }
  void on_header_impl(error_code&) override { in_header = false; }
  // Announced lengths are checked against the limit by Beast; memory is taken as bytes come, not as they are
  // promised.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  void refuse(const char* why, error_code& error) {
    problem.emplace(ErrorKind::protocol, fmt::format("http: {}", why));
    error = http::error::bad_value;
  }
};

}  // namespace

struct HttpReplyReader::Impl {
  Impl(Limits limits_, bool bodyless_) : limits(limits_), bodyless(bodyless_) { begin(); }

  std::size_t left() const { return rest.size() - offset; }
  void begin();
  Result<void> step();
  Result<void> check_start() const;
  Result<void> check_caps() const;
  Result<void> after_header();
  Error explain(const error_code& error) const;

  Limits limits;
  bool bodyless;
  std::unique_ptr<ReplyParser> parser;
  std::string rest;  // received, but from `offset` on not yet understood
  std::size_t offset =
      0;  // only moved while bytes are taken, so that small chunks do not each shift the rest
  std::size_t header_bytes = 0;  // of this and the interim replies before it
  std::size_t body_bytes = 0;    // on the wire, with the chunk framing
  int interim = 0;
  bool started = false;
  bool wants_more = true;
};

HttpReplyReader::HttpReplyReader(Limits limits, bool bodyless)
    : impl_(std::make_unique<Impl>(limits, bodyless)) {}
HttpReplyReader::~HttpReplyReader() = default;

Result<void> HttpReplyReader::put(std::string_view bytes) {
  auto& self = *impl_;
  if (bytes.empty()) return {};
  self.started = true;
  self.rest.append(bytes);
  self.wants_more = false;
  while (!done() && self.left() > 0 && !self.wants_more) {
    if (auto stepped = self.step(); !stepped) return stepped;
  }
  self.rest.erase(0, self.offset);
  self.offset = 0;
  return {};
}

Result<void> HttpReplyReader::put_eof() {
  auto& self = *impl_;
  if (done()) return {};
  if (!self.started) return fail(ErrorKind::refused, "closed by peer");
  error_code error;
  if (self.parser->got_some()) self.parser->put_eof(error);
  if (error || !done()) return fail(ErrorKind::protocol, "http: the reply is cut off");
  return {};
}

bool HttpReplyReader::started() const {
  return impl_->started;
}
bool HttpReplyReader::done() const {
  return impl_->parser->is_done();
}
bool HttpReplyReader::reusable() const {
  return done() && impl_->rest.empty() && impl_->parser->keep_alive() && !impl_->parser->need_eof();
}
unsigned HttpReplyReader::status() const {
  return impl_->parser->status;
}
const std::string& HttpReplyReader::date() const {
  return impl_->parser->date;
}
std::string HttpReplyReader::take_body() {
  return std::move(impl_->parser->body);
}

void HttpReplyReader::Impl::begin() {
  parser = std::make_unique<ReplyParser>();
  parser->header_limit(static_cast<std::uint32_t>(limits.max_header));
  parser->body_limit(limits.max_body);
  parser->skip(bodyless);
}

/// Lets the parser take what it can: the header, or a part of the body.
Result<void> HttpReplyReader::Impl::step() {
  const bool was_header = !parser->is_header_done();
  if (parser->version == 0) {  // nothing is taken before the status line is complete
    if (auto begins = check_start(); !begins) return begins;
  }
  if (!was_header && parser->chunked() && left() < kLastChunk) {
    wants_more = true;  // and more must come: no chunked body ends with less
    return {};
  }
  error_code error;
  const std::size_t taken = parser->put(asio::buffer(rest.data() + offset, left()), error);
  (was_header ? header_bytes : body_bytes) += taken;
  offset += taken;
  if (error == http::error::need_more) {
    wants_more = true;
    error = {};
  }
  if (error) return std::unexpected(explain(error));
  if (auto within = check_caps(); !within) return within;
  if (was_header && parser->is_header_done()) return after_header();
  return {};
}

/// The parser looks at a status line once all of it is there, for which a peer that speaks something else
/// would let us wait.
Result<void> HttpReplyReader::Impl::check_start() const {
  constexpr std::string_view kStart = "HTTP/";
  const auto first = std::string_view(rest).substr(offset, kStart.size());
  if (kStart.starts_with(first)) return {};
  const bool tls = first[0] == '\x15' || first[0] == '\x16';  // an alert or a handshake record (RFC 8446 5.1)
  return fail(ErrorKind::protocol, tls ? "http: the peer speaks tls" : "http: not an http reply");
}

Result<void> HttpReplyReader::Impl::check_caps() const {
  if (!parser->is_header_done()) {
    if (header_bytes + left() > limits.max_header) {
      return fail(ErrorKind::too_large, fmt::format("http: the header exceeds {} bytes", limits.max_header));
    }
    return {};
  }
  // Bytes that the parser has not looked at yet may come after the end, and then belong to no reply.
  const std::size_t framed = body_bytes + (wants_more ? left() : 0);
  if (header_bytes > limits.max_header) {
    return fail(ErrorKind::too_large, fmt::format("http: the header exceeds {} bytes", limits.max_header));
  }
  if (parser->body.size() > limits.max_body || framed > limits.max_body + limits.max_header) {
    return fail(ErrorKind::too_large, fmt::format("http: the body exceeds {} bytes", limits.max_body));
  }
  return {};
}

/// Interim replies are skipped (RFC 9110 15.2); nobody asked to switch protocols.
Result<void> HttpReplyReader::Impl::after_header() {
  if (parser->version != 10 && parser->version != 11)
    return fail(ErrorKind::protocol, "http: unknown version");
  if (parser->status < 100 || parser->status > 599)
    return fail(ErrorKind::protocol, "http: status out of range");
  if (parser->status >= 200) return {};
  if (parser->status == 101) return fail(ErrorKind::protocol, "http: switched protocols unasked");
  if (++interim > kMaxInterim) return fail(ErrorKind::protocol, "http: too many interim replies");
  begin();
  return {};
}

Error HttpReplyReader::Impl::explain(const error_code& error) const {
  if (parser->problem) return *parser->problem;
  if (error == http::error::header_limit) {
    return {ErrorKind::too_large, fmt::format("http: the header exceeds {} bytes", limits.max_header)};
  }
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    return {ErrorKind::too_large, fmt::format("http: the body exceeds {} bytes", limits.max_body)};
  }
  return {ErrorKind::protocol, fmt::format("http: {}", error.message())};
}

}  // namespace qw::net
