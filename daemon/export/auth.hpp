#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/async/worker.hpp"
#include "daemon/export/site.hpp"

namespace qw::exporting {

/// Basic auth over bcrypt hashes. A check is slow by design, so good answers are remembered, one check runs
/// at a time, and an address that fails often has to wait. Nobody can tell from the time or the answer
/// whether a user exists.
class BasicAuth {
 public:
  enum class Verdict : std::uint8_t {
    good,
    bad,       ///< 401
    too_many,  ///< 429: this address failed too often
    busy,      ///< 503: too many checks are waiting
  };

  explicit BasicAuth(async::WorkerPool& pool);
  ~BasicAuth();
  void set_users(std::vector<BasicAuthUser> users);
  /// `authorization`: the header's value. Good when there are no users.
  Task<Verdict> check(std::string authorization, std::string ip);
  /// Like it, at a given time.
  Task<Verdict> check(std::string authorization, std::string ip, SteadyTime now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
