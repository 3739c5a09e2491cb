#pragma once
#include <boost/asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/net/srv_reply.hpp"

namespace qw::net {

/// Names to addresses without blocking, by c-ares (Asio's resolver is serial and can not be cancelled). IP
/// literals and /etc/hosts need no server. Answers are kept for their TTL (at least 1 s, at most 1 h); at
/// most one look-up of a name is under way; where the servers do not answer, the last answer serves for five
/// more minutes.
class Resolver {
 public:
  struct Options {
    std::string servers;  ///< "127.0.0.1:5353,..."; empty: as /etc/resolv.conf says
    Nanoseconds try_timeout = std::chrono::seconds(1);
    unsigned tries = 2;
  };
  Resolver(asio::any_io_executor executor, Options options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// IPv4 and IPv6 addresses, in the order of RFC 6724 as c-ares sorts them. Errors: unreachable (no such
  /// name), timeout.
  Task<Result<std::vector<asio::ip::address>>> resolve(std::string host, SteadyTime deadline);
  /// The SRV records of a service ("_stamp._udp.nodes.example"), sorted. Errors: unreachable (no such
  /// service), timeout.
  Task<Result<std::vector<Service>>> resolve_service(std::string name, SteadyTime deadline);

  std::size_t lookups_in_flight() const;
  /// How long ago the oldest answer that still serves came; nothing: none serves.
  std::optional<Nanoseconds> cache_age(SteadyTime now) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace qw::net
