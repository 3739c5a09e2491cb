#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

namespace qw::net {

/// One SRV record (RFC 2782): where a service is to be had.
struct Service {
  std::string host;  ///< lower case, without the last dot
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  auto operator<=>(const Service&) const = default;
};

struct SrvReply {
  std::vector<Service> services;  ///< sorted; at most kMaxServices, the rest is dropped
  Nanoseconds ttl{};              ///< the least of all
};
inline constexpr std::size_t kMaxServices = 1024;

/// The SRV records of a DNS message (RFC 1035 4.1); other records, such as the CNAME before them, are passed
/// over. Errors: unreachable when it has none (a target "." says that there is no such service), protocol.
Result<SrvReply> read_srv_reply(std::string_view message);

}  // namespace qw::net
