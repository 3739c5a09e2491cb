// Redis overwrites its command line: its file is found in the working folder or at Debian's place, and is
// taken only when its port and folder are those of the process.
#include "daemon/discover/redis_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/base/text.hpp"
#include "daemon/discover/finding.hpp"
#include "daemon/discover/settings.hpp"

namespace qw::discover {
namespace {

constexpr std::array<std::string_view, 7> kPrograms{"redis-server",    "redis-sentinel", "valkey-server",
                                                    "valkey-sentinel", "keydb-server",   "keydb-sentinel",
                                                    "keydb-pro-serv"};
constexpr std::uint16_t kPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr int kMaxIncludes = 16;

std::optional<Place> place_of(const std::string& host, const std::string& port) {
  const auto number = read_port(port);
  if (!is_host(host) || !number) return std::nullopt;
  return Place{host, *number};
}

void take_sentinel(const std::vector<std::string>& words, RedisServer& to) {
  if (words.size() < 2) return;
  if (words[1] == "announce-ip" && words.size() > 2) to.announced = words[2];
  if (words[1] == "announce-port" && words.size() > 2) to.announced_port = read_port(words[2]);
  if (words.size() < 5) return;
  const auto place = place_of(words[3], words[4]);
  if (!place) return;
  auto& group = to.monitored[words[2]];
  if (words[1] == "monitor") group.master = *place;
  if (words[1] == "known-replica" || words[1] == "known-slave") group.replicas.push_back(*place);
  if (words[1] == "known-sentinel") group.sentinels.push_back(*place);
}

void take(const std::vector<std::string>& words, RedisServer& to) {
  const auto& name = words.front();
  const auto value = words.size() > 1 ? words[1] : std::string();
  if (name == "sentinel") take_sentinel(words, to);
  if (name == "dir") to.folder = value;
  if (name == "cluster-enabled") to.cluster = value == "yes";
  if (name == "requirepass") to.password = to.password || value == "set";
  if (name == "user" && value == "default") to.password = words.size() < 3;
  if (name == "tls-ca-cert-file") to.ca_file = value;
  if (name == "tls-auth-clients") to.client_certificate = value == "yes";
  if (name == "replica-announce-ip" || name == "slave-announce-ip") to.announced = value;
  if (name == "replica-announce-port" || name == "slave-announce-port") to.announced_port = read_port(value);
  if ((name == "replicaof" || name == "slaveof") && words.size() > 2)
    to.master = place_of(words[1], words[2]);
}

/// The lines of a file and of those that it includes.
Result<Lines> read_file(const Process& process, HostFiles& files, const std::string& path, int& left,
                        std::vector<std::string>& notes) {
  const auto text = files.read(process, path);
  if (!text) return std::unexpected(text.error());
  Lines out;
  for (auto& words : read_redis(*text)) {
    if (words.front() != "include" || words.size() < 2) {
      out.push_back(std::move(words));
      continue;
    }
    if (words[1].contains('*') || --left < 0) {
      notes.push_back(fmt::format("{} includes {}, which was not read", path, sanitize(words[1])));
      continue;
    }
    auto more = read_file(process, files, words[1], left, notes);
    if (more)
      out.insert(out.end(), more->begin(), more->end());
    else
      notes.push_back(could_not(words[1], more.error()));
  }
  return out;
}

/// 0 in a file turns a port off; a later line wins.
std::uint16_t port_in(const Lines& lines, const std::string& name, std::uint16_t otherwise) {
  for (const auto& words : lines) {
    if (words.front() == name && words.size() > 1) otherwise = read_port(words[1]).value_or(0);
  }
  return otherwise;
}

/// Takes what the file says, if it is this process's: it listens there, and is in the folder that the file
/// names.
bool accept(const Lines& lines, const std::string& path, RedisServer& server) {
  RedisServer read = server;
  for (const auto& words : lines) take(words, read);
  const bool sentinel = !read.monitored.empty();
  if (sentinel != server.sentinel) return false;
  const auto plain = port_in(lines, "port", sentinel ? kSentinelPort : kPort);
  const auto tls = port_in(lines, "tls-port", 0);
  const auto& process = *server.process;
  if (process.sockets_read && !(plain && listens_on(process, plain)) && !(tls && listens_on(process, tls)))
    return false;
  if (!process.sockets_read && server.port != plain && server.port != tls) return false;
  if (read.folder.starts_with('/') && !process.folder.empty() && read.folder != process.folder &&
      read.folder != process.folder + "/")
    return false;
  read.file = path;
  read.port = plain ? plain : tls;
  read.tls = plain == 0;
  server = std::move(read);
  return true;
}

/// "redis-server 127.0.0.1:6379 [sentinel]": what it made of its command line.
void read_title(RedisServer& server) {
  std::string title;
  for (const auto& arg : server.process->args) title += arg + " ";
  server.sentinel = title.contains("[sentinel]") || server.process->comm.contains("sentinel") ||
                    title.contains("--sentinel");
  server.cluster = title.contains("[cluster]");
  for (const auto& one : server.process->listens) {
    if (!one.udp && server.port == 0) server.port = one.port;
  }
}

std::vector<std::string> candidates(const Process& process, bool sentinel) {
  std::vector<std::string> out;
  for (std::size_t i = 1; i < process.args.size(); ++i) {
    if (process.args[i].ends_with(".conf") && process.args[i].starts_with('/'))
      out.push_back(process.args[i]);
  }
  const std::string name = sentinel ? "sentinel.conf" : "redis.conf";
  for (const auto* own : {"redis.conf", "sentinel.conf", "valkey.conf"})
    out.emplace_back(absolute(process.folder, own));
  for (const auto* folder : {"/etc/redis/", "/etc/valkey/", "/etc/"}) out.push_back(folder + name);
  if (!sentinel) out.emplace_back("/etc/valkey/valkey.conf");
  return out;
}

}  // namespace

bool is_redis(const Process& process) {
  return std::ranges::find(kPrograms, process.comm) != kPrograms.end() ||
         std::ranges::find(kPrograms, program_of(process)) != kPrograms.end();
}

Process with_title(const Process& process) {
  Process out = process;
  if (process.sockets_read) return out;
  for (const auto& arg : process.args) {
    for (const auto word : split(arg, ' ')) {
      const auto place = read_place(word.starts_with("*:") ? word.substr(1) : word);
      if (place) out.listens.push_back({false, place->host.empty() ? "0.0.0.0" : place->host, place->port});
    }
  }
  return out;
}

RedisServer read_redis_server(const Process& process, HostFiles& files) {
  RedisServer out;
  out.process = &process;
  read_title(out);
  std::vector<std::string> refused;
  for (const auto& path : candidates(process, out.sentinel)) {
    if (path.empty()) continue;
    int left = kMaxIncludes;
    std::vector<std::string> notes;
    const auto lines = read_file(process, files, path, left, notes);
    if (lines && accept(*lines, path, out)) {
      out.notes = std::move(notes);
      break;
    }
    if (!lines && lines.error().kind() != ErrorKind::unreachable)
      refused.push_back(could_not(path, lines.error()));
  }
  if (out.file.empty()) {
    if (!refused.empty()) out.notes.push_back(refused.front());
    out.notes.emplace_back(
        "its configuration file was not found: whom it follows, TLS and passwords are not known");
  }
  out.choice = choose(process, out.port, out.announced);
  if (out.choice.place.port && out.announced_port && !out.announced.empty())
    out.choice.place.port = *out.announced_port;
  return out;
}

}  // namespace qw::discover
