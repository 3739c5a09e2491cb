#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/discover/addresses.hpp"
#include "daemon/discover/host_files.hpp"

namespace qw::discover {

struct Item {
  std::string text;
  std::string note;  ///< where it was found; empty: nothing to say
};

/// One key of a target: a list, a mapping or a text.
struct Entry {
  std::string key;
  std::vector<std::string> notes = {};  ///< lines above it
  std::string text = {};
  std::vector<Item> list = {};
  std::vector<std::pair<std::string, std::string>> mapping = {};
  bool is_mapping = false;
  bool is_example = false;  ///< printed as a comment: something is left to the user
};

/// A target of the configuration to be.
struct Finding {
  std::string system;
  std::string name;  ///< made unique and fit for a label by the writer
  std::vector<std::string> notes = {};
  std::vector<Entry> entries = {};
  bool usable = true;  ///< false: printed as a comment; the notes say why
};

/// The `tls` mapping for a server that speaks TLS. `ca_file`: the authority that its own files name; empty:
/// none.
Entry tls_entry(HostFiles& files, const Process& process, const std::string& ca_file,
                const std::string& whose);

/// The lines that tell of a password which the user has to put into a file. `who`: "The data nodes ask".
void add_password(const std::string& prefix, const std::string& file, const std::string& who, Finding& to);

/// Adds what is not there yet.
void add_item(std::vector<Item>& to, Item item);

/// "/etc/redis/redis.conf: permission denied"
std::string could_not(const std::string& path, const Error& error);

std::vector<Finding> find_etcd(const HostView& view, HostFiles& files);
std::vector<Finding> find_redis(const HostView& view, HostFiles& files);
std::vector<Finding> find_postgres(const HostView& view, HostFiles& files);
std::vector<Finding> find_kafka(const HostView& view, HostFiles& files);
std::vector<Finding> find_clocks(const HostView& view, HostFiles& files);

/// All of the above.
std::vector<Finding> find_all(const HostView& view, HostFiles& files);

/// The name of a program without its folder.
std::string program_of(const Process& process);

}  // namespace qw::discover
