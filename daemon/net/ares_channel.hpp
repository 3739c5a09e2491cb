#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

namespace qw::net {

/// c-ares on the loop: its sockets are waited for by Asio, its time-outs by a timer. Knows nothing of caches
/// or waiters.
class AresChannel {
 public:
  struct Answer {
    Answer() = default;
    std::vector<boost::asio::ip::address> addresses;
    Nanoseconds ttl{};
  };
  /// Called once a look-up, possibly before look_up() returns. Errors: unreachable "no such host" is the
  /// servers' word; timeout, protocol and internal say that there is none; canceled: the channel goes.
  using Done = std::function<void(Result<Answer>)>;

  /// `servers` as for Resolver::Options. A machine without any usable server setting fails each look-up, not
  /// the start.
  AresChannel(boost::asio::any_io_executor executor, const std::string& servers, Nanoseconds try_timeout,
              unsigned tries);
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  void look_up(const std::string& name, Done done);
  std::size_t in_flight() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace qw::net
