// Redis and Valkey, data nodes and Sentinels. Both rewrite their files, so what these say of other members is
// of now.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "daemon/discover/finding.hpp"
#include "daemon/discover/groups.hpp"
#include "daemon/discover/redis_server.hpp"

namespace qw::discover {
namespace {

std::vector<std::string> keys_of(const RedisServer& server) {
  const auto& process = *server.process;
  std::vector<std::string> out;
  const auto add = [&](const Place& place) { out.push_back(key_of(process, place)); };
  if (!server.sentinel) {
    out = discover::keys_of(process, server.port);
    if (server.choice.place.port) add(server.choice.place);
    if (server.master) add(*server.master);
  }
  for (const auto& [name, group] : server.monitored) {
    add(group.master);
    for (const auto& replica : group.replicas) add(replica);
  }
  return out;
}

/// Everything of one group, as it is put into a target.
class Group {
 public:
  Group(std::vector<const RedisServer*> servers, std::string name, HostFiles& files)
      : servers_(std::move(servers)), name_(std::move(name)), files_(files) {}

  Finding make() {
    out_ = {.system = "redis", .name = name_.empty() ? "redis" : name_};
    for (const auto* server : servers_) add_here(*server);
    for (const auto* server : servers_) add_named(*server);
    out_.usable = !members_.list.empty();
    if (members_.list.empty()) out_.notes.emplace_back("No data node of it can be asked from here.");
    finish();
    return std::move(out_);
  }

 private:
  void add_here(const RedisServer& server) {
    const auto who = describe(*server.process) + (server.file.empty() ? "" : ", " + server.file);
    for (const auto& note : server.notes)
      out_.notes.push_back(fmt::format("{}: {}.", describe(*server.process), note));
    if (server.cluster) {
      out_.notes.push_back(fmt::format("{}: it is of a Redis Cluster, whose slots quorumwatch does not see.",
                                       describe(*server.process)));
    }
    auto place = server.choice.place;
    for (const auto& key : discover::keys_of(*server.process, server.port)) {
      known_.insert(key);
      // As others call it, so that nobody is listed twice.
      if (const auto named = read_place(key); named && is_named(*named)) place = *named;
    }
    if (place.port == 0) {
      out_.notes.push_back(fmt::format("{}: {}.", describe(*server.process), server.choice.note));
      return;
    }
    known_.insert(key_of(*server.process, place));
    const auto note = server.choice.note.empty() ? who : who + "; " + server.choice.note;
    add_item(server.sentinel ? sentinels_.list : members_.list, {print(place), note});
  }

  bool is_named(const Place& place) const {
    return std::ranges::any_of(servers_, [&](const RedisServer* one) {
      if (one->master == place) return true;
      return std::ranges::any_of(one->monitored, [&](const auto& group) {
        return group.second.master == place ||
               std::ranges::find(group.second.replicas, place) != group.second.replicas.end() ||
               std::ranges::find(group.second.sentinels, place) != group.second.sentinels.end();
      });
    });
  }

  /// Members that do not run here, but that somebody here names.
  void add_named(const RedisServer& server) {
    const auto add = [&](Entry& to, const Place& place) {
      if (is_loopback(place.host) || known_.contains(key_of(*server.process, place))) return;
      add_item(to.list, {print(place), fmt::format("not seen here, named in {}", server.file)});
    };
    if (server.master) add(members_, *server.master);
    for (const auto& [name, group] : server.monitored) {
      if (name != name_) continue;
      add(members_, group.master);
      for (const auto& replica : group.replicas) add(members_, replica);
      for (const auto& sentinel : group.sentinels) add(sentinels_, sentinel);
    }
  }

  void finish() {
    const auto any = [&](auto what) { return std::ranges::any_of(servers_, what); };
    out_.entries.push_back(std::move(members_));
    if (!sentinels_.list.empty()) {
      out_.entries.push_back(std::move(sentinels_));
      out_.entries.push_back({.key = "sentinel_master", .text = name_});
    } else if (out_.usable) {
      out_.notes.emplace_back("No Sentinel was found for it.");
    }
    const auto tls = std::ranges::find_if(servers_, [](const auto* one) { return one->tls; });
    if (tls != servers_.end()) {
      auto entry = tls_entry(files_, *(*tls)->process, (*tls)->ca_file, "its tls-ca-cert-file");
      if ((*tls)->client_certificate)
        entry.notes.emplace_back(
            "It asks for a certificate: name cert_file and key_file of one made for quorumwatch.");
      out_.entries.push_back(std::move(entry));
      if (any([](const auto* one) { return !one->tls && !one->file.empty(); }))
        out_.notes.emplace_back(
            "Some of its servers speak TLS and some do not: quorumwatch needs all of them to be the same.");
    }
    if (any([](const auto* one) { return one->password && !one->sentinel; }))
      add_password("", "redis.password", "The data nodes ask", out_);
    if (any([](const auto* one) { return one->password && one->sentinel; }))
      add_password("sentinel_", "sentinel.password", "The Sentinels ask", out_);
  }

  std::vector<const RedisServer*> servers_;
  std::string name_;
  HostFiles& files_;
  Finding out_;
  Entry members_{.key = "members"};
  Entry sentinels_{.key = "sentinels"};
  std::set<std::string> known_;
};

/// A Sentinel may watch over several groups that share nothing else: it is in each of them.
std::vector<RedisServer> one_for_each_group(RedisServer server) {
  if (server.monitored.size() < 2) return {std::move(server)};
  std::vector<RedisServer> out;
  for (const auto& [name, group] : server.monitored) {
    out.push_back(server);
    out.back().monitored = {{name, group}};
  }
  return out;
}

}  // namespace

std::vector<Finding> find_redis(const HostView& view, HostFiles& files) {
  std::deque<Process> processes;
  std::vector<RedisServer> servers;
  for (const auto& process : view.processes) {
    // What saves or rewrites is a child that listens on nothing.
    if (!is_redis(process) || (process.sockets_read && process.listens.empty())) continue;
    processes.push_back(with_title(process));
    std::ranges::move(one_for_each_group(read_redis_server(processes.back(), files)),
                      std::back_inserter(servers));
  }
  std::vector<std::vector<std::string>> keys;
  for (const auto& server : servers) keys.push_back(keys_of(server));
  std::vector<Finding> out;
  for (const auto& indexes : group(keys)) {
    std::vector<const RedisServer*> members;
    std::string name;
    for (const auto i : indexes) {
      members.push_back(&servers[i]);
      if (name.empty() && !servers[i].monitored.empty()) name = servers[i].monitored.begin()->first;
    }
    out.push_back(Group(std::move(members), name, files).make());
  }
  return out;
}

}  // namespace qw::discover
