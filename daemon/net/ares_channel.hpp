#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/net/srv_reply.hpp"

namespace qw::net {

/// c-ares on the loop: its sockets are waited for by Asio, its time-outs by a timer. Knows nothing of caches
/// or waiters.
class AresChannel {
 public:
  template <class Value>
  struct Answer {
    Answer() = default;
    Value value;
    Nanoseconds ttl{};
  };
  using Addresses = std::vector<boost::asio::ip::address>;
  using Services = std::vector<Service>;
  /// Called once a look-up, possibly before look_up() returns. Errors: unreachable ("no such host", "no such
  /// service") is the servers' word; timeout, protocol and internal say that there is none; canceled: the
  /// channel goes.
  template <class Value>
  using Done = std::function<void(Result<Answer<Value>>)>;

  /// `servers` as for Resolver::Options. A machine without any usable server setting fails each look-up, not
  /// the start.
  AresChannel(boost::asio::any_io_executor executor, const std::string& servers, Nanoseconds try_timeout,
              unsigned tries);
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  void look_up(const std::string& name, Done<Addresses> done);
  /// SRV records. The name is taken as it is: no search domain is tried.
  void look_up(const std::string& name, Done<Services> done);
  std::size_t in_flight() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace qw::net
