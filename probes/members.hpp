#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.hpp"
#include "daemon/net/address.hpp"

namespace qw::probes {

/// A list of members' addresses, as most systems have one.
struct MemberKey {
  std::string_view key = "members";
  std::uint16_t default_port = 0;
};

/// host[:port], for Fields::addresses.
config::AddressRule address_rule(std::uint16_t default_port, bool required = true);

/// Reads the addresses under a key that was declared already, and reports what is wrong with them: an address
/// that is none, one that is there twice (also under another key that shares `seen`), more than 64. The good
/// ones are returned.
std::vector<net::HostPort> read_members(config::Fields& fields, const MemberKey& key,
                                        const std::vector<std::string>& texts, std::set<net::HostPort>& seen);

}  // namespace qw::probes
