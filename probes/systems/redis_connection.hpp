#pragma once
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/secret.hpp"
#include "daemon/model/facts.hpp"
#include "daemon/net/stream.hpp"
#include "probes/wire/resp.hpp"

namespace qw::probes {

/// Commands that go out in one write.
class RedisPipeline {
 public:
  void add(std::initializer_list<std::string_view> words);
  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return size_; }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

/// One reply, and when its last byte was here.
struct RedisAnswer {
  RedisAnswer(wire::RespValue its_value, SteadyTime when, WallTime wall)
      : value(std::move(its_value)), received(when), received_wall(wall) {}
  wire::RespValue value;
  SteadyTime received;
  WallTime received_wall;
};

/// A pipeline and its replies, one for each command.
struct RedisExchange {
  RedisExchange(SteadyTime when, WallTime wall) : sent(when), sent_wall(wall) {}
  SteadyTime sent;
  WallTime sent_wall;
  std::vector<RedisAnswer> answers;

  const wire::RespValue& value(std::size_t i) const { return answers[i].value; }
  Asked asked(std::size_t i) const { return {sent, answers[i].received}; }
};

struct RedisLogin {
  std::string username;  ///< empty: the default user (Redis before 6 knows no other)
  Secret password;       ///< empty: no AUTH
};

/// One kept connection to a Redis server or Sentinel.
class RedisConnection {
 public:
  RedisConnection(net::Net& net, const Clock& clock, net::HostPort to, std::shared_ptr<net::TlsContext> tls,
                  RedisLogin login);

  /// Sends the pipeline, after AUTH where the connection is new, and reads one reply for each command. A kept
  /// connection that the server has closed meanwhile is replaced once: Redis drops its clients when its role
  /// changes, which is not being down. Errors name no secret. The caller awaits directly and keeps
  /// `pipeline`.
  Task<Result<RedisExchange>> exchange(const RedisPipeline& pipeline, SteadyTime deadline);
  /// Forgets the connection: the next exchange opens a new one and logs in again.
  void close() { stream_.reset(); }
  /// The address of the last connection ("10.0.0.1:6379"); empty before the first.
  const std::string& peer() const { return peer_; }

 private:
  Task<Result<RedisExchange>> exchange_once(const RedisPipeline& pipeline, SteadyTime deadline);
  Task<Result<RedisExchange>> talk(Secret request, std::size_t replies, SteadyTime deadline);
  Task<Result<void>> read_answers(std::size_t replies, RedisExchange& into, SteadyTime deadline);
  Secret request(const RedisPipeline& pipeline, bool log_in) const;
  Result<void> check_login(RedisExchange& exchange) const;
  Error in_words_of_server(const Error& error, const RedisExchange& so_far) const;

  net::Net& net_;
  const Clock& clock_;
  net::HostPort to_;
  std::shared_ptr<net::TlsContext> tls_;
  RedisLogin login_;
  std::unique_ptr<net::Stream> stream_;
  std::string peer_;
};

/// `words` without any part of `secret`: a server that knows no AUTH repeats its arguments in its complaint,
/// perhaps cut short.
std::string without_secret(std::string_view words, const Secret& secret);

}  // namespace qw::probes
