#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probes/systems/postgres_connection.hpp"

namespace qw::probes {

/// What libpq is given for one connection: an address and no name to look up, nothing that would have it read
/// a file but those of the login, and a value for whatever it would take from the environment.
class PostgresParameters {
 public:
  PostgresParameters(const PostgresLogin& login, const net::HostPort& to, const std::string& address);

  /// For PQconnectStartParams; they end with null.
  std::vector<const char*> keys() const;
  std::vector<const char*> values() const;
  /// Nothing where the parameter is left out.
  std::string_view get(std::string_view key) const;

 private:
  struct Parameter {
    const char* key;
    std::string value;
  };
  std::vector<Parameter> parameters_;
};

/// Variables that libpq reads and that no parameter of every version overrides.
std::span<const char* const> postgres_environment();

}  // namespace qw::probes
