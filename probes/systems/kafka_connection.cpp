#include "probes/systems/kafka_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "daemon/base/text.hpp"
#include "daemon/net/scram.hpp"
#include "probes/wire/kafka_sasl.hpp"

namespace qw::probes {
namespace {

namespace kafka = wire::kafka;

// A broker reads its next request only after we have taken the reply to the last one: what waits in between
// must fit the socket buffers, or both sides write and nobody reads.
constexpr std::size_t kInFlightBytes = std::size_t{48} << 10;
constexpr std::size_t kMostReplyBytes = std::size_t{64} << 20;
constexpr std::size_t kMostSmallReplyBytes = std::size_t{1} << 20;  // ApiVersions and the log-in
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
constexpr std::size_t kKeptBuffer = std::size_t{1} << 20;
constexpr std::size_t kMostTokenBytes = std::size_t{64} << 10;

std::size_t most_bytes(kafka::Api api) {
  const bool small = api == kafka::Api::api_versions || api == kafka::Api::sasl_handshake ||
                     api == kafka::Api::sasl_authenticate;
  return small ? kMostSmallReplyBytes : kMostReplyBytes;
}

/// A pipe or a device could hold the loop for ever.
Result<Secret> read_token(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return fail(ErrorKind::config, fmt::format("token_file: {}: no such file", file));
  std::ifstream in(file, std::ios::binary);
  std::string text(kMostTokenBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  const std::string_view trimmed = trim(text);
  Secret token{std::string(trimmed)};
  std::ranges::fill(text, '\0');
  if (token.empty()) return fail(ErrorKind::config, fmt::format("token_file: {}: no token in it", file));
  return token;
}

/// What the worker that derives the key has to itself.
struct Scram {
  Scram(net::ScramHash hash, std::string_view username, const Secret& password, std::string_view nonce)
      : client(hash, username, password, nonce) {}
  net::ScramClient client;
  std::string challenge;
  Result<std::string> proof;
};

}  // namespace

KafkaConnection::KafkaConnection(net::Net& net, const Clock& clock, net::HostPort to,
                                 std::shared_ptr<net::TlsContext> tls,
                                 std::shared_ptr<const KafkaLogin> login)
    : net_(net), clock_(clock), to_(std::move(to)), tls_(std::move(tls)), login_(std::move(login)) {}

void KafkaConnection::close() {
  stream_.reset();
  begin_ = end_ = 0;
}

bool KafkaConnection::is_stale() const {
  return !stream_->quiet() || begin_ != end_ || (session_ends_ && clock_.steady() >= *session_ends_);
}

std::int32_t KafkaConnection::next_correlation() {
  correlation_ = correlation_ == std::numeric_limits<std::int32_t>::max() ? 1 : correlation_ + 1;
  return correlation_;
}

Task<Result<void>> KafkaConnection::open(SteadyTime deadline) {
  if (stream_ && is_stale()) close();
  if (stream_) co_return Result<void>();
  session_ends_.reset();
  auto connected = co_await net::Stream::connect(net_, to_, tls_, deadline);
  if (!connected) co_return std::unexpected(connected.error());
  stream_ = std::move(*connected);
  peer_ = stream_->peer();
  auto ready = co_await learn_versions(deadline);
  if (ready && !login_->mechanism.empty()) ready = co_await log_in(deadline);
  if (!ready) close();
  co_return ready;
}

/// A broker that does not know our highest version says so in version 0, and which ones it knows (KIP-511).
Task<Result<void>> KafkaConnection::learn_versions(SteadyTime deadline) {
  const std::int16_t highest = kafka::support_of(kafka::Api::api_versions).versions.highest;
  auto asked = co_await ask_versions(highest, deadline);
  if (!asked) co_return asked;
  if (versions_.error != kafka::ErrorCode::unsupported_version) co_return asked;
  const std::int16_t older = versions_.choose(kafka::Api::api_versions).value_or(0);
  co_return co_await ask_versions(older, deadline);
}

Task<Result<void>> KafkaConnection::ask_versions(std::int16_t version, SteadyTime deadline) {
  const kafka::ApiVersionsRequest request;
  const std::int32_t correlation = next_correlation();
  std::vector<KafkaRequest> requests;
  requests.push_back({kafka::Api::api_versions, version, correlation,
                      kafka::encode(request, version, correlation, kClientId)});
  const KafkaTake take = [this](std::size_t, const KafkaReply& reply) -> Result<void> {
    auto read = kafka::ApiVersionsReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    versions_ = std::move(*read);
    return {};
  };
  auto told = co_await exchange(std::move(requests), take, deadline);
  if (!told) {
    // Who answers no first request at all is most often a TLS listener that was spoken to without TLS.
    const bool closed = told.error().kind() == ErrorKind::refused;
    co_return std::unexpected(closed ? told.error().within("ApiVersions") : told.error());
  }
  const bool fine =
      versions_.error == kafka::ErrorCode::none || versions_.error == kafka::ErrorCode::unsupported_version;
  if (!fine) co_return fail(ErrorKind::rejected, "ApiVersions: " + kafka::describe(versions_.error));
  co_return told;
}

Task<Result<void>> KafkaConnection::log_in(SteadyTime deadline) {
  auto shaken = co_await shake_hands(deadline);
  if (!shaken) co_return shaken;
  if (login_->mechanism.starts_with("SCRAM-")) co_return co_await log_in_with_scram(deadline);
  Secret token;
  if (login_->mechanism == "OAUTHBEARER") {
    auto bearer = read_token(login_->token_file);
    if (!bearer) co_return std::unexpected(bearer.error());
    token = kafka::make_oauthbearer_token(*bearer);
  } else {
    token = kafka::make_plain_token(login_->username, login_->password);
  }
  auto accepted = co_await authenticate(std::move(token), deadline);
  if (!accepted) co_return std::unexpected(accepted.error());
  // OAUTHBEARER tells a refusal in the token of a first reply without an error.
  if (login_->mechanism == "OAUTHBEARER" && !accepted->empty())
    co_return fail(ErrorKind::rejected, "OAUTHBEARER: " + sanitize(*accepted));
  co_return Result<void>();
}

Task<Result<void>> KafkaConnection::shake_hands(SteadyTime deadline) {
  if (!versions_.choose(kafka::Api::sasl_handshake) || !versions_.choose(kafka::Api::sasl_authenticate))
    co_return fail(ErrorKind::rejected, "the broker knows no SASL");
  const kafka::SaslHandshakeRequest request{login_->mechanism};
  std::vector<KafkaRequest> requests;
  requests.push_back(prepare(request));
  const KafkaTake take = [this](std::size_t, const KafkaReply& reply) -> Result<void> {
    auto read = kafka::SaslHandshakeReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    if (read->error == kafka::ErrorCode::none) return {};
    std::string offered;
    for (const auto mechanism : read->mechanisms) {
      if (offered.size() < 100) offered += (offered.empty() ? "" : ", ") + sanitize(mechanism, 30);
    }
    return fail(ErrorKind::rejected,
                fmt::format("{}: {} (the broker has {})", login_->mechanism, kafka::describe(read->error),
                            offered.empty() ? "none" : offered));
  };
  co_return co_await exchange(std::move(requests), take, deadline);
}

Task<Result<void>> KafkaConnection::log_in_with_scram(SteadyTime deadline) {
  const auto hash = login_->mechanism == "SCRAM-SHA-512" ? net::ScramHash::sha512 : net::ScramHash::sha256;
  auto nonce = net::make_scram_nonce();
  if (!nonce) co_return std::unexpected(nonce.error());
  auto scram = std::make_shared<Scram>(hash, login_->username, login_->password, *nonce);
  auto challenge = co_await authenticate(Secret(scram->client.first()), deadline);
  if (!challenge) co_return std::unexpected(challenge.error());
  scram->challenge = std::move(*challenge);
  // A job that outlives us owns what it works on.
  co_await login_->workers->run([scram] { scram->proof = scram->client.finish(scram->challenge); });
  if (!scram->proof) co_return std::unexpected(scram->proof.error().within(login_->mechanism));
  auto verdict = co_await authenticate(Secret(*scram->proof), deadline);
  if (!verdict) co_return std::unexpected(verdict.error());
  auto genuine = scram->client.verify(*verdict);
  if (!genuine) co_return std::unexpected(genuine.error().within(login_->mechanism));
  co_return Result<void>();
}

/// One step; what the server answers to it.
Task<Result<std::string>> KafkaConnection::authenticate(Secret token, SteadyTime deadline) {
  const kafka::SaslAuthenticateRequest request{std::move(token)};
  std::vector<KafkaRequest> requests;
  requests.push_back(prepare(request));
  std::string answer;
  const KafkaTake take = [this, &answer](std::size_t, const KafkaReply& reply) -> Result<void> {
    auto read = kafka::SaslAuthenticateReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    if (read->error != kafka::ErrorCode::none) {
      const std::string why = sanitize(read->message);
      return fail(ErrorKind::rejected,
                  fmt::format("{}: {}", login_->mechanism, why.empty() ? kafka::describe(read->error) : why));
    }
    answer = read->token;
    if (read->session_lifetime_ms > 0) {
      // A session that ends amid a round costs this broker's share of it, so it is renewed before.
      const std::chrono::milliseconds lifetime(std::min<std::int64_t>(read->session_lifetime_ms, 86'400'000));
      session_ends_ = clock_.steady() + lifetime * 8 / 10;
    }
    return {};
  };
  auto told = co_await exchange(std::move(requests), take, deadline);
  if (!told) co_return std::unexpected(told.error());
  co_return answer;
}

Task<Result<void>> KafkaConnection::exchange(std::vector<KafkaRequest> requests, KafkaTake take,
                                             SteadyTime deadline) {
  auto done = co_await talk(requests, take, deadline);
  if (!done) close();
  if (begin_ == end_ && buffer_.size() > kKeptBuffer) buffer_ = std::string();
  co_return done;
}

Task<Result<void>> KafkaConnection::talk(std::vector<KafkaRequest>& requests, const KafkaTake& take,
                                         SteadyTime deadline) {
  std::vector<KafkaReply> sent;  // one for each request on its way or answered
  sent.reserve(requests.size());
  std::size_t in_flight = 0;
  std::string batch;
  for (std::size_t answered = 0; answered < requests.size(); ++answered) {
    batch.clear();
    while (sent.size() < requests.size()) {
      auto& next = requests[sent.size()];
      const bool fits = in_flight == 0 || in_flight + next.bytes.size() <= kInFlightBytes;
      if (!fits) break;
      in_flight += next.bytes.size();
      batch += next.bytes;
      sent.push_back(
          {.body = {}, .version = next.version, .asked = {clock_.steady(), {}}, .sent_wall = clock_.wall()});
    }
    if (!batch.empty()) {
      auto written = co_await stream_->write(batch, deadline);
      if (!written) co_return written;
    }
    const auto& request = requests[answered];
    auto frame = co_await read_frame(most_bytes(request.api), deadline);
    if (!frame) co_return std::unexpected(frame.error());
    const auto head = kafka::read_reply_head(request.api, request.version, *frame);
    if (!head) co_return std::unexpected(head.error());
    if (head->correlation != request.correlation)
      co_return fail(ErrorKind::protocol, "an answer to another question");
    auto& reply = sent[answered];
    reply.body = head->body;
    reply.asked.received = clock_.steady();
    auto taken = take(answered, reply);
    if (!taken) co_return taken;
    in_flight -= request.bytes.size();
  }
  co_return Result<void>();
}

Task<Result<std::string_view>> KafkaConnection::read_frame(std::size_t max_bytes, SteadyTime deadline) {
  auto sized = co_await fill(kafka::kSizeBytes, deadline);
  if (!sized) co_return std::unexpected(sized.error());
  const std::string_view size_field(buffer_.data() + begin_, kafka::kSizeBytes);
  const auto size = kafka::read_frame_size(size_field, max_bytes);
  if (!size) co_return std::unexpected(size.error());
  auto whole = co_await fill(kafka::kSizeBytes + *size, deadline);
  if (!whole) co_return std::unexpected(whole.error());
  const std::string_view frame(buffer_.data() + begin_ + kafka::kSizeBytes, *size);
  begin_ += kafka::kSizeBytes + *size;
  co_return frame;
}

/// Reads until `needed` bytes are there. The buffer grows with what has come, never with what was announced.
Task<Result<void>> KafkaConnection::fill(std::size_t needed, SteadyTime deadline) {
  while (end_ - begin_ < needed) {
    if (begin_ > 0) {
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < kReadAtOnce / 4) buffer_.resize(std::max(kReadAtOnce, buffer_.size() * 2));
    const std::span<char> room(buffer_.data() + end_, buffer_.size() - end_);
    const auto got = co_await stream_->read_some(room, deadline);
    if (!got) co_return std::unexpected(got.error());
    end_ += *got;
  }
  co_return Result<void>();
}

}  // namespace qw::probes
