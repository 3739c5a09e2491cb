#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/async/worker.hpp"
#include "daemon/base/secret.hpp"
#include "daemon/model/facts.hpp"
#include "daemon/net/stream.hpp"
#include "probes/wire/kafka_api_versions.hpp"

namespace qw::probes {

/// How to log in; the same for every broker and controller of a target.
struct KafkaLogin {
  std::string mechanism;  ///< "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"; empty: no SASL
  std::string username;
  Secret password;
  std::string token_file;  ///< of OAUTHBEARER; read at each login, since tokens are short-lived
  /// Derives the keys of SCRAM, which can take longer than the loop may stand still; there with SCRAM only.
  std::shared_ptr<async::WorkerPool> workers;
};

/// One request on its way to one connection.
struct KafkaRequest {
  wire::kafka::Api api{};
  std::int16_t version = 0;
  std::int32_t correlation = 0;
  std::string bytes;  ///< the whole frame
};

/// One reply. `body` is good only while it is being looked at.
struct KafkaReply {
  std::string_view body;
  std::int16_t version = 0;
  Asked asked;
  WallTime sent_wall;
};

/// What is done with the reply to request `index`; an error means that it made no sense, and ends the
/// connection.
using KafkaTake = std::function<Result<void>(std::size_t index, const KafkaReply& reply)>;

/// One kept connection to a broker or controller. Its replies come in the order of the requests; a connection
/// on which anything went wrong is dropped, so that no late answer is ever taken for another one. For one
/// conversation at a time.
class KafkaConnection {
 public:
  KafkaConnection(net::Net& net, const Clock& clock, net::HostPort to, std::shared_ptr<net::TlsContext> tls,
                  std::shared_ptr<const KafkaLogin> login);

  /// Makes sure that there is a connection, that its versions are known and that we are logged in. A kept one
  /// that has been closed meanwhile, or whose session is about to end, is replaced.
  Task<Result<void>> open(SteadyTime deadline);
  bool is_open() const { return stream_ != nullptr; }
  void close();

  /// The version of a request that both speak; nothing: this broker does not know it. Only while open.
  std::optional<std::int16_t> version(wire::kafka::Api api) const { return versions_.choose(api); }

  /// A request in the version that both speak; where there is none the caller must not ask.
  template <class Request>
  KafkaRequest prepare(const Request& request) {
    const std::int16_t version = versions_.choose(Request::kApi).value_or(0);
    const std::int32_t correlation = next_correlation();
    return {Request::kApi, version, correlation,
            wire::kafka::encode(request, version, correlation, kClientId)};
  }

  /// Sends the requests, several at a time, and hands each reply to `take` as it comes. Errors end the
  /// connection. The caller awaits directly.
  Task<Result<void>> exchange(std::vector<KafkaRequest> requests, KafkaTake take, SteadyTime deadline);

  const net::HostPort& address() const { return to_; }
  /// The address of the last connection ("10.0.0.1:9092"); empty before the first.
  const std::string& peer() const { return peer_; }

 private:
  static constexpr std::string_view kClientId = "quorumwatch";

  Task<Result<void>> learn_versions(SteadyTime deadline);
  Task<Result<void>> ask_versions(std::int16_t version, SteadyTime deadline);
  Task<Result<void>> log_in(SteadyTime deadline);
  Task<Result<void>> shake_hands(SteadyTime deadline);
  Task<Result<void>> log_in_with_scram(SteadyTime deadline);
  Task<Result<std::string>> authenticate(Secret token, SteadyTime deadline);
  Task<Result<void>> talk(std::vector<KafkaRequest>& requests, const KafkaTake& take, SteadyTime deadline);
  /// The next frame, without its size; good until the next call.
  Task<Result<std::string_view>> read_frame(std::size_t max_bytes, SteadyTime deadline);
  Task<Result<void>> fill(std::size_t needed, SteadyTime deadline);
  std::int32_t next_correlation();
  bool is_stale() const;

  net::Net& net_;
  const Clock& clock_;
  net::HostPort to_;
  std::shared_ptr<net::TlsContext> tls_;
  std::shared_ptr<const KafkaLogin> login_;
  std::unique_ptr<net::Stream> stream_;
  std::string peer_;
  wire::kafka::ApiVersionsReply versions_;
  std::int32_t correlation_ = 0;
  std::optional<SteadyTime> session_ends_;
  // Received and not yet read: [begin_, end_) of the buffer.
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace qw::probes
