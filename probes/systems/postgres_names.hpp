#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/address.hpp"

namespace qw::probes {

/// What the configured members are called by others. A standby names its sender by the host and port that it
/// was given; a primary knows of its receivers only from which address they came.
class PostgresNames {
 public:
  explicit PostgresNames(const std::vector<net::HostPort>& members);

  /// The member was reached at this address.
  void learn(std::string_view member, std::string_view peer);
  /// The member that is meant, or "host:port" when none is.
  std::string sender(std::string_view host, std::uint16_t port) const;
  /// The member at this address; nothing where none or more than one is.
  std::optional<std::string> receiver(std::string_view address) const;

 private:
  struct Known {
    std::string name;
    net::HostPort configured;
    std::string peer;
  };
  std::vector<Known> known_;
};

}  // namespace qw::probes
