#pragma once
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/base/time.hpp"

/// What keeps a reflector harmless: how much it answers, and for how many senders it keeps state. Pure.
namespace qw::probes {

/// A bucket of tokens: so many a second, and at most one second's worth at once.
class RateLimit {
 public:
  explicit RateLimit(double per_second) : rate_(per_second), tokens_(per_second) {}
  bool take(SteadyTime now);

 private:
  double rate_;
  double tokens_;
  SteadyTime last_;
};

enum class Admission : std::uint8_t { admitted, source_limit, total_limit };

/// Limits packets in all and of each source address. Sources share a fixed number of buckets by a secret
/// hash, so that forged addresses neither fill memory nor choose whom they share a bucket with.
class ReflectorLimits {
 public:
  ReflectorLimits(double per_second, double per_second_and_source, std::uint64_t secret);
  Admission admit(const boost::asio::ip::address& source, SteadyTime now);

 private:
  std::uint64_t secret_;
  RateLimit total_;
  std::vector<RateLimit> sources_;
};

/// How many packets each sender has sent that arrived here, which tells the sender on which way the others
/// were lost (RFC 8762 4.3, the stateful reflector). A sender is an address, a port and a session identifier.
class ReflectorSessions {
 public:
  struct Key {
    boost::asio::ip::udp::endpoint from;
    std::uint16_t session = 0;
    bool operator==(const Key&) const = default;
  };
  explicit ReflectorSessions(std::uint64_t secret) : known_(0, Hash{secret}) {}

  /// The packet's number, from 0; nothing when there are too many senders: then the reflector answers without
  /// state.
  std::optional<std::uint32_t> count(const Key& key, SteadyTime now);
  /// The latest answer to a sender of which the kernel has told when it left.
  struct Left {
    std::uint32_t number = 0;
    WallTime at;
  };
  /// The answer with this number left; senders that are not known, and older answers, are passed over.
  void left(const Key& key, const Left& answer);
  std::optional<Left> last_left(const Key& key) const;
  std::size_t size() const { return known_.size(); }
  /// When the last packet came from this address, by whatever port.
  std::optional<SteadyTime> last_heard(const boost::asio::ip::address& from) const;

  static constexpr std::size_t kMost = 8192;
  static constexpr Nanoseconds kIdle = std::chrono::minutes(15);

 private:
  struct Hash {
    std::uint64_t secret;
    std::size_t operator()(const Key& key) const;
  };
  struct Session {
    std::uint32_t next = 0;
    SteadyTime last;
    std::optional<Left> left = std::nullopt;
  };
  void forget_idle(SteadyTime now);

  std::unordered_map<Key, Session, Hash> known_;
  SteadyTime swept_;
};

}  // namespace qw::probes
