#include "probes/systems/kafka_canary_client.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <vector>

#include "daemon/base/text.hpp"

namespace qw::probes {
namespace {

struct Free {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(const rd_kafka_metadata_t* metadata) const { rd_kafka_metadata_destroy(metadata); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

int milliseconds(Nanoseconds duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

std::string words(rd_kafka_resp_err_t error) {
  return sanitize(rd_kafka_err2str(error));
}

KafkaCanaryListener& listener_in(void* opaque) {
  return *static_cast<KafkaCanaryListener*>(opaque);
}

// The number of a message travels as librdkafka's pointer for it, plus one, as null would be none.
void* to_opaque(std::uint64_t number) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(number + 1));
}
std::uint64_t from_opaque(const void* opaque) {
  return reinterpret_cast<std::uintptr_t>(opaque) - 1;
}

void on_delivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  const std::uint64_t number = from_opaque(message->_private);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    listener_in(opaque).on_acknowledged(number);
    return;
  }
  listener_in(opaque).on_failed(number);
  // Those are our own doing, when the client is taken down.
  if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
    listener_in(opaque).on_complaint(fmt::format("producing: {}", words(message->err)));
  }
}

void on_error(rd_kafka_t* /*client*/, int error, const char* reason, void* opaque) {
  listener_in(opaque).on_complaint(
      fmt::format("{}: {}", words(static_cast<rd_kafka_resp_err_t>(error)), sanitize(reason)));
}

using Settings = std::vector<std::pair<const char*, std::string>>;

void add_security(const KafkaCanarySecurity& security, Settings& settings) {
  const bool sasl = !security.mechanism.empty();
  const char* const plain = sasl ? "sasl_plaintext" : "plaintext";
  const char* const tls = sasl ? "sasl_ssl" : "ssl";
  settings.emplace_back("security.protocol", security.tls ? tls : plain);
  if (security.tls) {
    if (!security.ca_file.empty()) settings.emplace_back("ssl.ca.location", security.ca_file);
    if (!security.cert_file.empty()) settings.emplace_back("ssl.certificate.location", security.cert_file);
    if (!security.key_file.empty()) settings.emplace_back("ssl.key.location", security.key_file);
    settings.emplace_back("enable.ssl.certificate.verification",
                          security.insecure_skip_verify ? "false" : "true");
    settings.emplace_back("ssl.endpoint.identification.algorithm",
                          security.insecure_skip_verify ? "none" : "https");
  }
  if (sasl) {
    settings.emplace_back("sasl.mechanism", security.mechanism);
    settings.emplace_back("sasl.username", security.username);
  }
}

Settings common_settings(const KafkaCanaryOptions& options) {
  Settings settings{
      {"bootstrap.servers", options.brokers},
      {"client.id", "quorumwatch-canary"},
      {"socket.timeout.ms", "10000"},
      {"reconnect.backoff.max.ms", "2000"},
      {"topic.metadata.refresh.interval.ms", "30000"},
  };
  add_security(options.security, settings);
  return settings;
}

Result<Owned<rd_kafka_t>> make_client(rd_kafka_type_t type, const Settings& settings, const Secret& password,
                                      KafkaCanaryListener& listener) {
  Owned<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  std::array<char, 512> problem{};
  const auto set = [&conf, &problem](const char* name, const char* value) {
    return rd_kafka_conf_set(conf.get(), name, value, problem.data(), problem.size()) == RD_KAFKA_CONF_OK;
  };
  for (const auto& [name, value] : settings) {
    if (!set(name, value.c_str())) return fail(ErrorKind::config, sanitize(problem.data()));
  }
  if (!password.empty()) {
    // The message could hold the password, so it is not told.
    const std::string copy(password.reveal());
    if (!set("sasl.password", copy.c_str())) return fail(ErrorKind::config, "the password can not be used");
  }
  // No log, which would go to standard error: what matters in it comes to on_error as well.
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  rd_kafka_conf_set_opaque(conf.get(), &listener);

  Owned<rd_kafka_t> client(rd_kafka_new(type, conf.get(), problem.data(), problem.size()));
  if (!client) return fail(ErrorKind::config, sanitize(problem.data()));
  (void)conf.release();  // the client owns it now
  return client;
}

}  // namespace

// In the order in which they are made; what was made last goes first.
struct KafkaCanaryClient::Handles {
  Owned<rd_kafka_t> consumer;
  Owned<rd_kafka_topic_t> consumed;
  Owned<rd_kafka_queue_t> queue;
  Owned<rd_kafka_t> producer;
  Owned<rd_kafka_topic_t> produced;
  std::int32_t consuming = 0;  // partitions from 0 on that were started
};

KafkaCanaryClient::KafkaCanaryClient(const KafkaCanaryOptions& options, KafkaCanaryListener& listener)
    : options_(options), listener_(listener), handles_(std::make_unique<Handles>()) {}

Result<std::unique_ptr<KafkaCanaryClient>> KafkaCanaryClient::make(const KafkaCanaryOptions& options,
                                                                   KafkaCanaryListener& listener) {
  std::unique_ptr<KafkaCanaryClient> made(new KafkaCanaryClient(options, listener));
  Settings settings = common_settings(options);
  settings.emplace_back("enable.auto.commit", "false");
  settings.emplace_back("allow.auto.create.topics", "false");
  // Where the position is gone (retention, an unclean election) nothing that is there is left out.
  settings.emplace_back("auto.offset.reset", "earliest");
  auto consumer = make_client(RD_KAFKA_CONSUMER, settings, options.security.password, listener);
  if (!consumer) return std::unexpected(consumer.error());
  Handles& handles = *made->handles_;
  handles.consumer = std::move(*consumer);
  handles.consumed.reset(rd_kafka_topic_new(handles.consumer.get(), options.topic.c_str(), nullptr));
  if (!handles.consumed) return fail(ErrorKind::config, words(rd_kafka_last_error()));
  handles.queue.reset(rd_kafka_queue_new(handles.consumer.get()));
  return made;
}

KafkaCanaryClient::~KafkaCanaryClient() {
  Handles& handles = *handles_;
  if (handles.producer) {
    rd_kafka_purge(handles.producer.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(handles.producer.get(), 0);  // what was purged has failed
  }
  for (std::int32_t partition = 0; partition < handles.consuming; ++partition) {
    rd_kafka_consume_stop(handles.consumed.get(), partition);
  }
}

Result<std::int32_t> KafkaCanaryClient::find_topic(Nanoseconds patience) {
  const rd_kafka_metadata_t* made = nullptr;
  const auto error =
      rd_kafka_metadata(handles_->consumer.get(), 0, handles_->consumed.get(), &made, milliseconds(patience));
  const Owned<const rd_kafka_metadata_t> metadata(made);
  rd_kafka_poll(handles_->consumer.get(), 0);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(ErrorKind::unreachable, fmt::format("asking for the topic: {}", words(error)));
  }
  if (metadata->topic_cnt != 1) return fail(ErrorKind::protocol, "asking for the topic: no answer about it");
  const rd_kafka_metadata_topic_t& topic = metadata->topics[0];
  if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || topic.partition_cnt == 0) {
    return fail(ErrorKind::rejected,
                fmt::format("topic {} is not there (or hidden from this user): create it", options_.topic));
  }
  if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(ErrorKind::rejected, fmt::format("topic {}: {}", options_.topic, words(topic.err)));
  }
  return topic.partition_cnt;
}

Result<void> KafkaCanaryClient::begin(std::int32_t partitions,
                                      const std::map<std::int32_t, std::int64_t>& positions,
                                      Nanoseconds patience) {
  for (std::int32_t partition = 0; partition < partitions; ++partition) {
    const auto known = positions.find(partition);
    const auto from =
        known != positions.end() ? Result<std::int64_t>(known->second) : end_of(partition, patience);
    if (!from) return std::unexpected(from.error());
    if (rd_kafka_consume_start_queue(handles_->consumed.get(), partition, *from, handles_->queue.get()) !=
        0) {
      return fail(ErrorKind::internal, fmt::format("consuming: {}", words(rd_kafka_last_error())));
    }
    ++handles_->consuming;
  }
  auto made = make_producer();
  if (!made) return made;
  // Its first message should not have to wait for connections. Nothing is amiss where this fails.
  const rd_kafka_metadata_t* metadata = nullptr;
  rd_kafka_metadata(handles_->producer.get(), 0, handles_->produced.get(), &metadata, milliseconds(patience));
  const Owned<const rd_kafka_metadata_t> unused(metadata);
  return {};
}

Result<std::int64_t> KafkaCanaryClient::end_of(std::int32_t partition, Nanoseconds patience) {
  std::int64_t start = 0;
  std::int64_t end = 0;
  const auto error = rd_kafka_query_watermark_offsets(handles_->consumer.get(), options_.topic.c_str(),
                                                      partition, &start, &end, milliseconds(patience));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return end;
  return fail(ErrorKind::unreachable,
              fmt::format("asking partition {} for its end: {}", partition, words(error)));
}

Result<void> KafkaCanaryClient::make_producer() {
  Settings settings = common_settings(options_);
  settings.emplace_back("acks", "all");
  settings.emplace_back("linger.ms", "0");
  settings.emplace_back("message.timeout.ms", fmt::to_string(milliseconds(options_.lost_after)));
  auto producer = make_client(RD_KAFKA_PRODUCER, settings, options_.security.password, listener_);
  if (!producer) return std::unexpected(producer.error());
  handles_->producer = std::move(*producer);
  handles_->produced.reset(rd_kafka_topic_new(handles_->producer.get(), options_.topic.c_str(), nullptr));
  if (!handles_->produced) return fail(ErrorKind::config, words(rd_kafka_last_error()));
  return {};
}

Result<void> KafkaCanaryClient::produce(std::int32_t partition, std::string_view payload,
                                        std::uint64_t number) {
  std::string copy(payload);
  if (rd_kafka_produce(handles_->produced.get(), partition, RD_KAFKA_MSG_F_COPY, copy.data(), copy.size(),
                       nullptr, 0, to_opaque(number)) == 0) {
    return {};
  }
  return fail(ErrorKind::rejected, fmt::format("producing: {}", words(rd_kafka_last_error())));
}

void KafkaCanaryClient::serve(Nanoseconds patience) {
  rd_kafka_poll(handles_->producer.get(), 0);
  rd_kafka_poll(handles_->consumer.get(), 0);
  int wait = milliseconds(patience);
  while (true) {
    const Owned<rd_kafka_message_t> message(rd_kafka_consume_queue(handles_->queue.get(), wait));
    if (!message) return;
    wait = 0;  // for the rest of what is there
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      listener_.on_received({static_cast<const char*>(message->payload), message->len}, message->partition,
                            message->offset);
      continue;
    }
    listener_.on_complaint(fmt::format("consuming: {}", words(message->err)));
    switch (message->err) {
      case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      case RD_KAFKA_RESP_ERR__FATAL:
        broken_ = true;
        return;
      default:
        break;
    }
  }
}

std::string kafka_canary_login_flaw(const KafkaCanarySecurity& security, int librdkafka_version) {
  // Brokers from 3.8.1 to 3.9 let the mistake of the older ones pass.
  constexpr int kSound = 0x020601ff;
  if (!security.mechanism.starts_with("SCRAM-") || librdkafka_version >= kSound) return {};
  const auto part = [librdkafka_version](int shift) { return librdkafka_version >> shift & 0xff; };
  return fmt::format("librdkafka {}.{}.{} can not log in to Kafka 4 by SCRAM, 2.6.1 can", part(24), part(16),
                     part(8));
}

std::string kafka_canary_login_flaw(const KafkaCanarySecurity& security) {
  return kafka_canary_login_flaw(security, rd_kafka_version());
}

}  // namespace qw::probes
