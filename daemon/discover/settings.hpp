#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/discover/addresses.hpp"

/// Foreign configuration files as plain values. What is no setting is left out; secrets are dropped on the
/// way. At most kMaxSettings of each file count.
namespace qw::discover {

inline constexpr std::size_t kMaxSettings = 20'000;

using Settings = std::map<std::string, std::string>;
/// In the order of the file, since later ones win and includes stand in between.
using Lines = std::vector<std::vector<std::string>>;

/// redis.conf and sentinel.conf: the words of each line, quotes resolved, the first in lower case. Of
/// `requirepass` remains "set" or "", of `user` the name and "nopass"; other secrets are dropped.
Lines read_redis(std::string_view text);

/// chrony.conf: the words of each line, the first in lower case.
Lines read_chrony(std::string_view text);

/// postgresql.conf: name and value of each line, the name in lower case; includes are names too. Of
/// `primary_conninfo` only the places remain, as "host:port,host:port".
std::vector<std::pair<std::string, std::string>> read_postgres(std::string_view text);

/// The servers of a connection string, of either form (PostgreSQL 15, section 34.1.1). Unix sockets are left
/// out.
std::vector<Place> read_conninfo(std::string_view text);

/// A Java properties file; properties that hold secrets are dropped.
Settings read_properties(std::string_view text);

/// An EnvironmentFile: NAME=VALUE lines.
Settings read_environment_file(std::string_view text);

/// etcd's --config-file (YAML), with the flags' names as keys. Errors: config.
Result<Settings> read_etcd_file(std::string_view text);

}  // namespace qw::discover
