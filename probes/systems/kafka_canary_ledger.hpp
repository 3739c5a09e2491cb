#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "daemon/base/time.hpp"

namespace qw::probes {

/// What became of the canary's messages so far. Every message ends as failed or acknowledged, and every
/// acknowledged one as received or lost: the counters add up, but for those that are under way.
struct KafkaCanaryCounts {
  std::uint64_t sent = 0;          ///< handed to librdkafka
  std::uint64_t acknowledged = 0;  ///< by all in-sync replicas
  std::uint64_t failed = 0;    ///< refused, or not acknowledged in time; it may be in the log all the same
  std::uint64_t received = 0;  ///< for the first time
  std::uint64_t lost = 0;      ///< acknowledged, and not received in time
  std::uint64_t late = 0;      ///< of the lost ones: received after all (such a message counts in all three)
  std::uint64_t duplicated = 0;  ///< received once more
  std::uint64_t reordered = 0;   ///< received after a younger one of the same partition
};

/// Keeps account of numbered messages: which are under way, which came back, and how long that took. Pure.
/// Numbers are given from 0 on; a message must be sent before anything else is said of it.
class KafkaCanaryLedger {
 public:
  explicit KafkaCanaryLedger(Nanoseconds lost_after) : lost_after_(lost_after) {}

  /// The number of the message that is sent now.
  std::uint64_t send(SteadyTime now);
  void acknowledge(std::uint64_t number, SteadyTime now);
  void fail(std::uint64_t number);
  void receive(std::uint64_t number, std::int32_t partition, SteadyTime now);
  /// Finds what is lost. Call it now and then.
  void judge(SteadyTime now);

  const KafkaCanaryCounts& counts() const { return counts_; }
  /// Sent, and neither failed, received nor lost yet.
  std::uint64_t waiting() const;
  /// From sending to receiving, of the message that came last; nothing when none came within `lost_after`.
  std::optional<Nanoseconds> latency(SteadyTime now) const;
  /// The longest one of the last minute; nothing when no message came in it.
  std::optional<Nanoseconds> longest_latency(SteadyTime now) const;

 private:
  /// Messages that did not come back are remembered so that they are not taken for duplicates if they do; but
  /// no more of them than this.
  static constexpr std::size_t kRemembered = 10'000;

  struct Message {
    SteadyTime sent;
    std::optional<SteadyTime> acknowledged;
    bool failed = false;
    bool received = false;
    bool lost = false;
  };
  struct Arrival {
    SteadyTime at;
    Nanoseconds latency;
  };
  void forget_if_settled(std::map<std::uint64_t, Message>::iterator message);
  void note(Arrival arrival);

  Nanoseconds lost_after_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Message> open_;           // not both settled and received
  std::map<std::int32_t, std::uint64_t> youngest_;  // received, by partition
  std::optional<Arrival> last_;
  std::deque<Arrival> slowest_;  // of the last minute: each shorter than the one before it
  KafkaCanaryCounts counts_;
};

}  // namespace qw::probes
