#include "probes/wire/resp.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::wire {
namespace {

constexpr std::size_t kNumberBytes = 32;  // sign, 19 digits, and some room before a line counts as endless
constexpr std::string_view kLineEnd = "\r\n";

/// Finds where a reply ends without building anything: it reads header lines, skips payloads and counts what
/// arrays announce.
class Scanner {
 public:
  explicit Scanner(const RespLimits& limits) : limits_(limits) {}

  /// Goes on in `reply`, which holds at least what the last call was given. The reply's length once all of it
  /// is there.
  Result<std::optional<std::size_t>> scan(std::string_view reply);

 private:
  // Each returns false when it needs more bytes.
  Result<bool> step(std::string_view reply);
  Result<bool> skip_payload(std::string_view reply);
  Result<bool> read_header(std::string_view reply);
  // Each returns whether something of the value is still to come.
  Result<bool> open(char type, std::string_view line);
  Result<bool> open_array(std::int64_t count);
  Result<bool> open_bulk(std::int64_t length);
  void end_value();
  std::unexpected<Error> malformed(std::string_view what) const;
  std::unexpected<Error> too_large(std::string_view what) const;

  RespLimits limits_;
  std::size_t at_ = 0;                  // start of the header or payload that comes next
  std::size_t searched_ = 0;            // no line end before this
  std::optional<std::size_t> payload_;  // length of the bulk string under way
  std::vector<std::size_t> open_;       // values still to come in each open array
  std::size_t elements_ = 0;
  bool complete_ = false;
};

Result<std::optional<std::size_t>> Scanner::scan(std::string_view reply) {
  while (!complete_) {
    auto advanced = step(reply);
    if (!advanced) return std::unexpected(advanced.error());
    if (at_ > limits_.reply_bytes)
      return too_large(fmt::format("reply of more than {} bytes", limits_.reply_bytes));
    if (!*advanced) return std::nullopt;
  }
  return at_;
}

Result<bool> Scanner::step(std::string_view reply) {
  return payload_ ? skip_payload(reply) : read_header(reply);
}

Result<bool> Scanner::skip_payload(std::string_view reply) {
  const std::size_t end = at_ + *payload_;
  if (reply.size() < end + kLineEnd.size()) return false;
  at_ = end;
  if (reply.substr(end, kLineEnd.size()) != kLineEnd)
    return malformed("bulk string is not as long as announced");
  at_ += kLineEnd.size();
  payload_.reset();
  end_value();
  return true;
}

Result<bool> Scanner::read_header(std::string_view reply) {
  if (reply.size() <= at_) return false;
  const char type = reply[at_];
  if (!std::string_view("+-:$*").contains(type)) {
    return malformed(fmt::format("no reply starts with byte 0x{:02x}", static_cast<unsigned char>(type)));
  }
  const std::size_t longest = type == '+' || type == '-' ? limits_.line_bytes : kNumberBytes;
  const std::size_t end = reply.find(kLineEnd, std::max(at_ + 1, searched_));
  // A last "\r" may be half of a line end.
  const std::size_t known =
      end != std::string_view::npos ? end : reply.size() - (reply.ends_with('\r') ? 1 : 0);
  const std::size_t length = known - at_ - 1;
  if (length > longest) return too_large(fmt::format("line of more than {} bytes", longest));
  if (end == std::string_view::npos) {
    searched_ = known;
    return false;
  }
  const auto opened = open(type, reply.substr(at_ + 1, length));
  if (!opened) return opened;
  at_ = end + kLineEnd.size();
  if (!*opened) end_value();
  return true;
}

Result<bool> Scanner::open(char type, std::string_view line) {
  if (type == '+' || type == '-') return false;
  const auto number = parse_int64(line);
  if (!number) return malformed("expected a number");
  if (type == '*') return open_array(*number);
  if (type == '$') return open_bulk(*number);
  return false;
}

Result<bool> Scanner::open_array(std::int64_t count) {
  if (count < -1) return malformed("negative count");
  if (open_.size() >= limits_.depth)
    return too_large(fmt::format("more than {} arrays in each other", limits_.depth));
  if (count <= 0) return false;
  const auto announced = static_cast<std::uint64_t>(count);
  if (announced > limits_.elements - elements_) {
    return too_large(
        fmt::format("array of {} where {} elements are allowed in a reply", announced, limits_.elements));
  }
  elements_ += announced;
  open_.push_back(announced);
  return true;
}

Result<bool> Scanner::open_bulk(std::int64_t length) {
  if (length < -1) return malformed("negative length");
  if (length == -1) return false;
  const auto announced = static_cast<std::uint64_t>(length);
  if (announced > limits_.reply_bytes - std::min(at_, limits_.reply_bytes)) {
    return too_large(
        fmt::format("string of {} bytes where {} are allowed in a reply", announced, limits_.reply_bytes));
  }
  payload_ = announced;
  return true;
}

void Scanner::end_value() {
  while (!open_.empty()) {
    if (--open_.back() > 0) return;
    open_.pop_back();
  }
  complete_ = true;
}

std::unexpected<Error> Scanner::malformed(std::string_view what) const {
  return fail(ErrorKind::protocol, fmt::format("not RESP: {} at offset {}", what, at_));
}

std::unexpected<Error> Scanner::too_large(std::string_view what) const {
  return fail(ErrorKind::too_large, fmt::format("{} at offset {}", what, at_));
}

struct Free {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

RespValue plain(const redisReply& reply) {
  const auto text = [&reply] { return std::string(reply.str, reply.len); };
  RespValue value;
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      value.kind = RespValue::Kind::simple;
      value.text = text();
      break;
    case REDIS_REPLY_ERROR:
      value.kind = RespValue::Kind::error;
      value.text = text();
      break;
    case REDIS_REPLY_STRING:
      value.kind = RespValue::Kind::bulk;
      value.text = text();
      break;
    case REDIS_REPLY_INTEGER:
      value.kind = RespValue::Kind::integer;
      value.integer = reply.integer;
      break;
    case REDIS_REPLY_ARRAY:
      value.kind = RespValue::Kind::array;
      value.items.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) value.items.push_back(plain(*reply.element[i]));
      break;
    default:
      break;
  }
  return value;
}

}  // namespace

std::string encode_command(std::span<const std::string_view> words) {
  std::string bytes = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) {
    fmt::format_to(std::back_inserter(bytes), "${}\r\n", word.size());
    bytes.append(word).append(kLineEnd);
  }
  return bytes;
}

struct RespReader::State {
  explicit State(const RespLimits& its) : limits(its), scanner(its), reader(redisReaderCreate()) {}

  Result<RespValue> build(std::string_view reply);
  std::unexpected<Error> broken(Error why);

  RespLimits limits;
  Scanner scanner;
  std::unique_ptr<redisReader, Free> reader;
  std::string buffer;
  std::size_t begin = 0;  // of the reply under way
  std::optional<Error> error;
};

/// hiredis gets one whole reply, which the scanner has measured; that both agree on where it ends is checked.
Result<RespValue> RespReader::State::build(std::string_view reply) {
  if (!reader || redisReaderFeed(reader.get(), reply.data(), reply.size()) != REDIS_OK) {
    return fail(ErrorKind::internal, "out of memory");
  }
  void* made = nullptr;
  const int status = redisReaderGetReply(reader.get(), &made);
  const std::unique_ptr<redisReply, Free> owned(static_cast<redisReply*>(made));
  if (status != REDIS_OK)
    return fail(ErrorKind::protocol, fmt::format("not RESP: {}", sanitize(reader->errstr)));
  if (!owned || reader->pos != reader->len) return fail(ErrorKind::protocol, "not RESP: it has no clear end");
  return plain(*owned);
}

std::unexpected<Error> RespReader::State::broken(Error why) {
  error = std::move(why);
  buffer = std::string();
  begin = 0;
  return std::unexpected(*error);
}

RespReader::RespReader(const RespLimits& limits) : state_(std::make_unique<State>(limits)) {}
RespReader::~RespReader() = default;
RespReader::RespReader(RespReader&&) noexcept = default;
RespReader& RespReader::operator=(RespReader&&) noexcept = default;

void RespReader::feed(std::string_view bytes) {
  State& s = *state_;
  if (s.error) return;
  s.buffer.erase(0, s.begin);
  s.begin = 0;
  s.buffer.append(bytes);
}

Result<std::optional<RespValue>> RespReader::next() {
  State& s = *state_;
  if (s.error) return std::unexpected(*s.error);
  const std::string_view rest = std::string_view(s.buffer).substr(s.begin);
  const auto length = s.scanner.scan(rest);
  if (!length) return s.broken(length.error());
  if (!*length) return std::nullopt;
  auto value = s.build(rest.substr(0, **length));
  if (!value) return s.broken(value.error());
  s.scanner = Scanner(s.limits);
  s.begin += **length;
  return std::move(*value);
}

bool RespReader::empty() const {
  return state_->begin == state_->buffer.size();
}

}  // namespace qw::wire
