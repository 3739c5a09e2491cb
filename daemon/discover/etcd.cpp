// etcd: flags, environment or --config-file say all that there is to say. Members are put together by the
// peer addresses of --initial-cluster.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"
#include "daemon/discover/finding.hpp"
#include "daemon/discover/groups.hpp"
#include "daemon/discover/settings.hpp"

namespace qw::discover {
namespace {

constexpr std::string_view kDefaultToken = "etcd-cluster";
constexpr std::string_view kDefaultClient = "http://localhost:2379";

struct Server {
  const Process* process = nullptr;
  Settings settings;
  bool from_command_line = true;  ///< its timings can be read by the probe itself
  std::vector<std::string> notes;
  std::vector<std::string> keys;  ///< of peers
};

/// "--name=x", "--name x" and "--flag".
Settings read_flags(const std::vector<std::string>& args) {
  Settings out;
  for (std::size_t i = 1; i < args.size(); ++i) {
    std::string_view word = args[i];
    if (!word.starts_with('-')) continue;
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const auto equals = word.find('=');
    const std::string name(word.substr(0, equals));
    if (equals != std::string_view::npos)
      out[name] = word.substr(equals + 1);
    else if (i + 1 < args.size() && !args[i + 1].starts_with('-'))
      out[name] = args[++i];
    else
      out[name] = "true";
  }
  return out;
}

/// ETCD_INITIAL_CLUSTER is --initial-cluster.
void add_environment(const Settings& environment, Settings& to) {
  constexpr std::string_view kHead = "ETCD_";
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kHead)) continue;
    auto flag = name.substr(kHead.size());
    for (auto& c : flag) c = c == '_' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    to[flag] = value;
  }
}

std::string value_of(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

/// A configuration file is all that counts where there is one; else flags come before the environment.
Server read_server(const Process& process, HostFiles& files) {
  Server out;
  out.process = &process;
  const auto flags = read_flags(process.args);
  if (process.environment_read) {
    add_environment(process.environment, out.settings);
  } else if (const auto text = files.read(process, "/etc/default/etcd"); text) {
    add_environment(read_environment_file(*text), out.settings);
    out.notes.push_back("its environment may not be read; /etc/default/etcd was read in its place");
  } else if (flags.size() < 2) {
    out.notes.push_back("its environment may not be read, and may say more than its command line");
  }
  auto path = value_of(flags, "config-file");
  if (path.empty()) path = value_of(out.settings, "config-file");
  if (path.empty()) {
    out.from_command_line = !out.settings.contains("election-timeout");
    for (const auto& [name, value] : flags) out.settings[name] = value;
    if (flags.contains("election-timeout")) out.from_command_line = true;
    return out;
  }
  out.settings.clear();
  out.from_command_line = false;
  const auto text = files.read(process, path);
  const auto read = text ? read_etcd_file(*text) : Result<Settings>(std::unexpected(text.error()));
  if (read)
    out.settings = *read;
  else
    out.notes.push_back(could_not(path, read.error()));
  return out;
}

struct Peer {
  std::string name;
  Place place;
};

std::vector<Peer> peers_of(const Server& server) {
  std::vector<Peer> out;
  for (const auto part : split(value_of(server.settings, "initial-cluster"), ',')) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const auto url = read_url(part.substr(equals + 1));
    if (url && url->place.port) out.push_back({std::string(trim(part.substr(0, equals))), url->place});
  }
  return out;
}

std::vector<Url> urls_of(const Server& server, const std::string& flag) {
  std::vector<Url> out;
  for (const auto part : split(value_of(server.settings, flag), ',')) {
    if (const auto url = read_url(part); url && url->place.port) out.push_back(*url);
  }
  return out;
}

void add_keys(Server& server) {
  for (const auto& peer : peers_of(server)) server.keys.push_back(key_of(*server.process, peer.place));
  for (const auto* flag : {"initial-advertise-peer-urls", "listen-peer-urls"}) {
    for (const auto& url : urls_of(server, flag)) {
      if (!is_wildcard(url.place.host)) server.keys.push_back(key_of(*server.process, url.place));
    }
  }
}

/// Where clients reach it: what it advertises, else what it listens on.
struct Client {
  Choice choice;
  bool tls = false;
};

Client client_of(const Server& server) {
  auto urls = urls_of(server, "advertise-client-urls");
  const auto listen = urls_of(server, "listen-client-urls");
  urls.insert(urls.end(), listen.begin(), listen.end());
  if (urls.empty()) urls.push_back(*read_url(kDefaultClient));
  auto best = std::ranges::find_if(
      urls, [](const auto& url) { return !is_wildcard(url.place.host) && !is_loopback(url.place.host); });
  if (best == urls.end()) best = urls.begin();
  return {choose(*server.process, best->place.port, best->place.host), best->scheme == "https"};
}

void add_timing(const Server& server, const std::string& flag, const std::string& key, Finding& to) {
  const auto value = parse_uint64(value_of(server.settings, flag));
  const bool there = std::ranges::any_of(to.entries, [&](const auto& one) { return one.key == key; });
  if (server.from_command_line || !value || *value == 0 || *value > 3'600'000 || there) return;
  to.entries.push_back({.key = key, .text = fmt::format("{}ms", *value)});
}

void add_tls(const Server& server, HostFiles& files, Finding& to) {
  auto tls = tls_entry(files, *server.process, value_of(server.settings, "trusted-ca-file"),
                       "its --trusted-ca-file");
  if (value_of(server.settings, "client-cert-auth") == "true") {
    tls.notes.push_back(
        "It asks for a certificate: name cert_file and key_file of one made for quorumwatch "
        "(probes/ACCOUNTS.md).");
  }
  to.entries.push_back(std::move(tls));
}

/// Those of the initial cluster that do not run here: how clients reach them is only known there.
void add_others(const std::vector<const Server*>& servers, Finding& to) {
  std::vector<std::string> here;
  for (const auto* server : servers) {
    for (const auto* flag : {"initial-advertise-peer-urls", "listen-peer-urls"}) {
      for (const auto& url : urls_of(*server, flag)) here.push_back(key_of(*server->process, url.place));
    }
    here.push_back("name " + value_of(server->settings, "name"));
  }
  std::vector<Item> others;
  for (const auto* server : servers) {
    for (const auto& peer : peers_of(*server)) {
      const auto key = key_of(*server->process, peer.place);
      if (std::ranges::find(here, key) != here.end() ||
          std::ranges::find(here, "name " + peer.name) != here.end())
        continue;
      add_item(others, {print(peer.place), peer.name});
    }
  }
  for (const auto& one : others) {
    to.notes.push_back(fmt::format(
        "Not on this host: member {}, which its peers reach at {}. Add the address at which clients "
        "reach it.",
        one.note, one.text));
  }
}

Finding make(const std::vector<const Server*>& servers, HostFiles& files) {
  Finding out{.system = "etcd", .name = "etcd"};
  Entry members{.key = "members"};
  const Server* with_tls = nullptr;
  for (const auto* server : servers) {
    const auto token = value_of(server->settings, "initial-cluster-token");
    if (!token.empty() && token != kDefaultToken) out.name = token;
    const auto name = value_of(server->settings, "name");
    const auto who = fmt::format("{}{}", name.empty() ? "" : name + ", ", describe(*server->process));
    for (const auto& note : server->notes) out.notes.push_back(fmt::format("{}: {}.", who, note));
    if (!value_of(server->settings, "discovery").empty() ||
        !value_of(server->settings, "discovery-srv").empty())
      out.notes.push_back(
          fmt::format("{}: it finds its members by a discovery service, which was not asked.", who));
    const auto client = client_of(*server);
    if (client.choice.place.port == 0) {
      out.notes.push_back(fmt::format("{}: {}.", who, client.choice.note));
      continue;
    }
    if (client.tls && !with_tls) with_tls = server;
    add_item(members.list, {print(client.choice.place),
                            client.choice.note.empty() ? who : who + "; " + client.choice.note});
  }
  add_others(servers, out);
  out.usable = !members.list.empty();
  out.entries.push_back(std::move(members));
  if (with_tls) add_tls(*with_tls, files, out);
  for (const auto* server : servers) {
    add_timing(*server, "election-timeout", "election_timeout", out);
    add_timing(*server, "heartbeat-interval", "heartbeat_interval", out);
  }
  return out;
}

}  // namespace

std::vector<Finding> find_etcd(const HostView& view, HostFiles& files) {
  std::vector<Server> servers;
  for (const auto& process : view.processes) {
    if (program_of(process) != "etcd" && process.comm != "etcd") continue;
    if (process.args.size() > 1 && !process.args[1].starts_with('-')) continue;  // gateway, grpc-proxy
    servers.push_back(read_server(process, files));
    add_keys(servers.back());
  }
  std::vector<std::vector<std::string>> keys;
  for (const auto& server : servers) keys.push_back(server.keys);
  std::vector<Finding> out;
  for (const auto& indexes : group(keys)) {
    std::vector<const Server*> members;
    for (const auto i : indexes) members.push_back(&servers[i]);
    out.push_back(make(members, files));
  }
  return out;
}

}  // namespace qw::discover
