#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/net/address.hpp"

namespace qw::probes {

/// How a member's clock is asked for.
enum class ClockScheme : std::uint8_t { ntp, chrony, http, https };

/// One member of a `clocks` target: "ntp://10.0.9.1", "chrony://127.0.0.1:323", "https://10.0.0.9/health".
struct ClockAddress {
  std::string name;  ///< as written
  ClockScheme scheme = ClockScheme::ntp;
  net::HostPort at;
  std::string path;  ///< of http and https; "/" where none is written

  /// Errors: config.
  static Result<ClockAddress> parse(std::string_view text);
};

}  // namespace qw::probes
