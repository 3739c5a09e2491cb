#pragma once
#include <boost/asio/ip/address.hpp>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/net/srv_reply.hpp"

namespace qw::net {

/// What names resolved to (addresses, or the services of SRV records), and until when that is believed. Pure:
/// time is a parameter.
template <class Value>
class AnswerCache {
 public:
  static constexpr Nanoseconds kMinTtl = std::chrono::seconds(1);
  static constexpr Nanoseconds kMaxTtl = std::chrono::hours(1);
  /// How long after its time an answer still serves while the servers do not answer.
  static constexpr Nanoseconds kStale = std::chrono::minutes(5);

  explicit AnswerCache(std::size_t max_names = 10'000) : max_names_(max_names) {}

  struct Found {
    Value value;
    bool fresh = false;
    SteadyTime
        refresh_failed;  ///< the last time the servers did not answer; the epoch: never since the answer
  };
  /// Nothing when the name is unknown, or older than its time and kStale.
  std::optional<Found> find(const std::string& name, SteadyTime now) const;

  /// The time to live is held within kMinTtl and kMaxTtl. Beyond `max_names` the name answered longest ago
  /// goes.
  void put(const std::string& name, Value value, Nanoseconds ttl, SteadyTime now);
  void refresh_failed(const std::string& name, SteadyTime now);
  /// The servers said that there is no such name.
  void erase(const std::string& name);
  std::size_t size() const { return entries_.size(); }
  /// How long ago the oldest answer that still serves came; nothing: none serves.
  std::optional<Nanoseconds> age(SteadyTime now) const;

 private:
  struct Entry {
    Value value;
    SteadyTime answered;
    SteadyTime fresh_until;
    SteadyTime refresh_failed;
    std::list<std::string>::iterator age;
  };
  std::size_t max_names_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> by_age_;  // the name answered longest ago first
};

using DnsCache = AnswerCache<std::vector<boost::asio::ip::address>>;
using ServiceCache = AnswerCache<std::vector<Service>>;

}  // namespace qw::net
