#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/discover/addresses.hpp"
#include "daemon/discover/host_files.hpp"

namespace qw::discover {

/// What a Sentinel knows of one group.
struct RedisGroup {
  Place master;
  std::vector<Place> replicas;
  std::vector<Place> sentinels;
};

/// A data node or a Sentinel.
struct RedisServer {
  const Process* process = nullptr;
  bool sentinel = false;
  bool cluster = false;
  bool password = false;
  bool tls = false;
  bool client_certificate = true;
  std::uint16_t port = 0;
  std::string file;  ///< empty: it was not found
  std::string folder;
  std::string ca_file;
  std::string announced;  ///< the host that it tells others; empty: none
  std::optional<std::uint16_t> announced_port;
  std::optional<Place> master;                  ///< whom it follows
  std::map<std::string, RedisGroup> monitored;  ///< by name; empty: no Sentinel
  std::vector<std::string> notes;
  Choice choice;
};

bool is_redis(const Process& process);

/// Where the sockets may not be looked at, the title says on what it listens.
Process with_title(const Process& process);

/// What the sockets and files of this process say. `process` must outlive what is returned.
RedisServer read_redis_server(const Process& process, HostFiles& files);

}  // namespace qw::discover
