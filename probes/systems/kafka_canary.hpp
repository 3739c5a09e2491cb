#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "daemon/base/secret.hpp"
#include "daemon/base/time.hpp"
#include "daemon/model/facts.hpp"
#include "probes/systems/kafka_canary_ledger.hpp"

namespace qw::probes {

/// How the canary reaches the cluster. Files are read by librdkafka when the canary starts.
struct KafkaCanarySecurity {
  bool tls = false;
  std::string ca_file;  ///< empty: the system's
  std::string cert_file;
  std::string key_file;
  bool insecure_skip_verify = false;
  std::string mechanism;  ///< "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"; empty: no SASL
  std::string username;
  Secret password;
};

struct KafkaCanaryOptions {
  std::string brokers;                             ///< "10.0.3.1:9092,10.0.3.2:9092"
  std::string topic = "quorumwatch-canary";        ///< of its own: nobody else may write to it
  Nanoseconds interval = std::chrono::seconds(1);  ///< between two messages; at least 10 ms
  Nanoseconds lost_after =
      std::chrono::seconds(30);  ///< an acknowledged message that has not come back by then is lost
  KafkaCanarySecurity security;
};

struct KafkaCanarySaid {
  KafkaCanaryCounts counts;
  std::uint64_t errors = 0;   ///< librdkafka's own complaints: no broker, no right, ...
  std::uint64_t waiting = 0;  ///< sent, and neither failed, received nor lost yet
  /// From the call that produces a message to the call that gives it back, on our own monotonic clock.
  /// Nothing when no message came within `lost_after`: an old latency says nothing of now.
  std::optional<Nanoseconds> latency;
  std::optional<Nanoseconds> latency_max;  ///< of the last minute
  std::uint32_t partitions = 0;            ///< that it produces to and consumes; 0: it is not running (yet)
  std::string problem;                     ///< what keeps it from running, in words; empty: nothing
};

/// The sequence canary: one numbered message an interval through a topic of its own, consumed again, so that
/// a cluster which acknowledges and then loses, repeats or delays messages is seen to do so.
///
/// The topic is made by the operator and never by the canary (a topic that appears by itself has the wrong
/// number of replicas and no owner):
///     kafka-topics --create --topic quorumwatch-canary --partitions 3 --replication-factor 3
///         --config retention.ms=3600000
/// Until it is there, `problem` says so. Rights: Describe, Read and Write on that topic; no consumer group is
/// used and nothing is committed, so none on groups or on the cluster.
///
/// Threads: librdkafka's own, and one of ours that produces, consumes and judges. start() and the snapshots
/// never wait for the network; only data-path calls of librdkafka are used (its coordinator calls can abort
/// the process, facts/kafka.md, trap 1), and nothing is written to standard error.
///
/// The end: stop() (or the destructor) tells the thread to finish and returns at once; librdkafka's handles
/// are taken down on that thread, which may take seconds with a dead broker. Before the process ends, call
/// wait_for_kafka_canaries(): threads that still run while static objects go can crash it.
class KafkaCanary {
 public:
  explicit KafkaCanary(KafkaCanaryOptions options);
  ~KafkaCanary();
  KafkaCanary(const KafkaCanary&) = delete;
  KafkaCanary& operator=(const KafkaCanary&) = delete;

  /// Starts the thread. Once an object.
  void start();
  void stop();

  /// What is known now; under a mutex that is held for microseconds.
  KafkaCanarySaid said() const;
  /// The same as readings of the families below.
  std::vector<Reading> readings() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// When to tell an operator what keeps a canary from running: once each time, after it has lasted.
class KafkaCanaryNews {
 public:
  /// Nothing: nothing is new. An empty text: it runs again. To be asked now and then.
  std::optional<std::string> take(const KafkaCanarySaid& said, SteadyTime now);

 private:
  std::optional<SteadyTime> since_;
  bool told_ = false;
};

/// Waits until the threads of all canaries that were stopped are gone, at most for `patience`; whether they
/// are. For the end of the process and for tests, never on a loop that runs. Nothing is lost when it gives
/// up: nobody needs what these threads hold (then leave by std::quick_exit, which runs no destructor).
bool wait_for_kafka_canaries(Nanoseconds patience);

/// The families of the readings, for ProbeKind::metrics.
std::span<const MetricFamily* const> kafka_canary_families();

}  // namespace qw::probes
