#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "probes/systems/kafka_canary.hpp"

namespace qw::probes {

/// Hears what librdkafka has to say, from within serve() and begin().
class KafkaCanaryListener {
 public:
  virtual ~KafkaCanaryListener() = default;
  virtual void on_acknowledged(std::uint64_t number) = 0;
  virtual void on_failed(std::uint64_t number) = 0;
  /// `payload` is whatever lies in the topic.
  virtual void on_received(std::string_view payload, std::int32_t partition, std::int64_t offset) = 0;
  virtual void on_complaint(std::string text) = 0;
};

/// librdkafka's consumer and producer on one topic. All calls from one thread, which they may block for
/// `patience`; so may the destructor, for as long as librdkafka likes.
class KafkaCanaryClient {
 public:
  /// Makes the consumer, which connects in the background. Errors: config, with librdkafka's words.
  static Result<std::unique_ptr<KafkaCanaryClient>> make(const KafkaCanaryOptions& options,
                                                         KafkaCanaryListener& listener);
  ~KafkaCanaryClient();
  KafkaCanaryClient(const KafkaCanaryClient&) = delete;
  KafkaCanaryClient& operator=(const KafkaCanaryClient&) = delete;

  /// How many partitions the topic has. Asks with a consumer, which never makes a topic.
  Result<std::int32_t> find_topic(Nanoseconds patience);
  /// Consumes all partitions, each from `positions` or else from its end, which is asked for first: what is
  /// produced from now on is seen. Then makes the producer.
  Result<void> begin(std::int32_t partitions, const std::map<std::int32_t, std::int64_t>& positions,
                     Nanoseconds patience);

  Result<void> produce(std::int32_t partition, std::string_view payload, std::uint64_t number);
  /// Waits for something to tell the listener, and tells it.
  void serve(Nanoseconds patience);
  /// The topic is gone or no longer ours to read: make another client.
  bool broken() const { return broken_; }

 private:
  struct Handles;
  KafkaCanaryClient(const KafkaCanaryOptions& options, KafkaCanaryListener& listener);
  Result<void> make_producer();
  Result<std::int64_t> end_of(std::int32_t partition, Nanoseconds patience);

  KafkaCanaryOptions options_;
  KafkaCanaryListener& listener_;
  std::unique_ptr<Handles> handles_;
  bool broken_ = false;
};

/// What this librdkafka is known to do wrong where such a login is refused, although name and password are
/// right; empty: nothing.
std::string kafka_canary_login_flaw(const KafkaCanarySecurity& security, int librdkafka_version);
std::string kafka_canary_login_flaw(const KafkaCanarySecurity& security);

}  // namespace qw::probes
