#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/fields.hpp"

namespace qw::config {

/// The key `reflector` of the file: where this daemon answers the STAMP packets of others.
struct ReflectorOptions {
  std::vector<std::string> listen;  ///< addresses, with or without a port; empty: nowhere
  std::uint64_t packets_per_second = 20'000;
  std::uint64_t packets_per_second_and_source = 2'000;
  bool operator==(const ReflectorOptions&) const = default;
};

/// Declares the root key.
void reflector_fields(Fields& fields, ReflectorOptions& options);

}  // namespace qw::config
