#include "probes/systems/redis_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/base/text.hpp"

namespace qw::probes {
namespace {

// The commands of this probe are answered with a few kilobytes; a Sentinel that monitors a thousand masters
// needs a megabyte.
constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // of one exchange
constexpr std::size_t kMostElements = 100'000;
constexpr std::size_t kReadAtOnce = 4096;
// A shorter piece of a secret is not told from ordinary words.
constexpr std::size_t kTellingPiece = 5;

/// How much of `text` from `at` on is somewhere in `secret`.
std::size_t piece_of(std::string_view secret, std::string_view text, std::size_t at) {
  std::size_t length = 0;
  while (at + length < text.size() && secret.contains(text.substr(at, length + 1))) ++length;
  return length;
}

}  // namespace

std::string without_secret(std::string_view words, const Secret& secret) {
  if (secret.empty()) return std::string(words);
  const std::size_t telling = std::min(kTellingPiece, secret.reveal().size());
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t piece = piece_of(secret.reveal(), words, at);
    if (piece >= telling) {
      out += "***";
      at += piece;
    } else {
      out += words[at++];
    }
  }
  return out;
}

void RedisPipeline::add(std::initializer_list<std::string_view> words) {
  bytes_ += wire::encode_command(std::span(words.begin(), words.size()));
  ++size_;
}

RedisConnection::RedisConnection(net::Net& net, const Clock& clock, net::HostPort to,
                                 std::shared_ptr<net::TlsContext> tls, RedisLogin login)
    : net_(net), clock_(clock), to_(std::move(to)), tls_(std::move(tls)), login_(std::move(login)) {}

Task<Result<RedisExchange>> RedisConnection::exchange(const RedisPipeline& pipeline, SteadyTime deadline) {
  const bool kept = stream_ != nullptr;
  auto first = co_await exchange_once(pipeline, deadline);
  if (first || !kept || first.error().kind() != ErrorKind::refused) co_return first;
  co_return co_await exchange_once(pipeline, deadline);
}

Task<Result<RedisExchange>> RedisConnection::exchange_once(const RedisPipeline& pipeline,
                                                           SteadyTime deadline) {
  const bool log_in = !stream_ && !login_.password.empty();
  if (!stream_) {
    auto connected = co_await net::Stream::connect(net_, to_, tls_, deadline);
    if (!connected) co_return std::unexpected(connected.error());
    stream_ = std::move(*connected);
    peer_ = stream_->peer();
  }
  const std::size_t replies = pipeline.size() + (log_in ? 1 : 0);
  auto done = co_await talk(request(pipeline, log_in), replies, deadline);
  if (done && log_in) {
    const auto accepted = check_login(*done);
    if (!accepted) done = std::unexpected(accepted.error());
  }
  if (!done) close();
  co_return done;
}

/// The bytes of the whole request in a type that wipes them.
Secret RedisConnection::request(const RedisPipeline& pipeline, bool log_in) const {
  std::string bytes;
  if (log_in) {
    const std::array<std::string_view, 3> words{"AUTH", login_.username, login_.password.reveal()};
    const std::array<std::string_view, 2> old_words{"AUTH", login_.password.reveal()};
    bytes = login_.username.empty() ? wire::encode_command(old_words) : wire::encode_command(words);
  }
  bytes += pipeline.bytes();
  return Secret(std::move(bytes));
}

Task<Result<RedisExchange>> RedisConnection::talk(Secret request, std::size_t replies, SteadyTime deadline) {
  RedisExchange exchange(clock_.steady(), clock_.wall());
  const auto written = co_await stream_->write(request.reveal(), deadline);
  if (!written) co_return std::unexpected(written.error());
  const auto read = co_await read_answers(replies, exchange, deadline);
  if (!read) co_return std::unexpected(in_words_of_server(read.error(), exchange));
  co_return exchange;
}

Task<Result<void>> RedisConnection::read_answers(std::size_t replies, RedisExchange& into,
                                                 SteadyTime deadline) {
  wire::RespLimits limits;
  limits.reply_bytes = kMostBytes;
  limits.elements = kMostElements;
  wire::RespReader reader(limits);
  std::array<char, kReadAtOnce> chunk;
  std::size_t bytes = 0;
  while (true) {
    const auto got = co_await stream_->read_some(chunk, deadline);
    if (!got) co_return std::unexpected(got.error());
    const SteadyTime now = clock_.steady();
    const WallTime wall = clock_.wall();
    bytes += *got;
    if (bytes > kMostBytes)
      co_return fail(ErrorKind::too_large, fmt::format("answer of more than {} bytes", kMostBytes));
    reader.feed(std::string_view(chunk.data(), *got));
    while (into.answers.size() < replies) {
      auto value = reader.next();
      if (!value) co_return std::unexpected(value.error());
      if (!*value) break;
      into.answers.emplace_back(std::move(**value), now, wall);
    }
    if (into.answers.size() < replies) continue;
    if (!reader.empty()) co_return fail(ErrorKind::protocol, "more answers than questions");
    co_return Result<void>();
  }
}

Result<void> RedisConnection::check_login(RedisExchange& exchange) const {
  const wire::RespValue answer = std::move(exchange.answers.front().value);
  exchange.answers.erase(exchange.answers.begin());
  if (!answer.is(wire::RespValue::Kind::error)) return {};
  return fail(ErrorKind::rejected,
              fmt::format("AUTH: {}", sanitize(without_secret(answer.text, login_.password))));
}

/// A server that closes right after an error ("max number of clients reached", protected mode) has said why.
Error RedisConnection::in_words_of_server(const Error& error, const RedisExchange& so_far) const {
  if (error.kind() != ErrorKind::refused || so_far.answers.empty()) return error;
  const wire::RespValue& last = so_far.answers.back().value;
  if (!last.is(wire::RespValue::Kind::error)) return error;
  return {ErrorKind::rejected, sanitize(without_secret(last.text, login_.password))};
}

}  // namespace qw::probes
