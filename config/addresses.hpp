#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

/// Lists of addresses that are found: where a list of members may stand, a mapping may say instead in which
/// files and under which names they are to be looked for. Here is what the mapping says; daemon/members
/// looks.
namespace qw::config {

class Fields;

/// What the addresses of one list are.
struct AddressRule {
  /// The key must be there.
  bool required = true;
  /// One address in the form by which two of them are compared ("10.0.0.1" and "10.0.0.1:2379" may be the
  /// same one), or what is wrong with it. Empty: any text will do, as it stands.
  std::function<Result<std::string>(const std::string&)> canonical = {};
  /// What stands before an address that comes from DNS ("ntp://").
  std::string dns_prefix = {};
};

/// Where the addresses of one key are found.
struct AddressSources {
  std::string key;                                 ///< "members", "sentinels"
  std::vector<std::string> files;                  ///< patterns, relative to the configuration file no more
  std::vector<std::string> dns;                    ///< "_etcd-client._tcp.example", "etcd.example:2379"
  std::vector<std::string> addresses;              ///< fixed ones besides
  Nanoseconds refresh = std::chrono::seconds(30);  ///< of the names
  AddressRule rule;

  /// Whether both look in the same places.
  bool same_places(const AddressSources& other) const;
};

inline constexpr Nanoseconds kShortestRefresh = std::chrono::seconds(5);

/// What was found for the keys of one target.
using Found = std::map<std::string, std::vector<std::string>>;

inline constexpr std::string_view kSourcesHeading = "Addresses that are found";

/// Declares the mapping. Files and addresses are left as they are written.
void source_fields(Fields& fields, AddressSources& sources);

/// Whether DNS is asked for the SRV records of this name, and not for its addresses.
bool names_service(std::string_view name);

}  // namespace qw::config
