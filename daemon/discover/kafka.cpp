// Kafka: the properties file that the command line names. Nodes are put together by the voters of their
// quorum and by the cluster's id, which stands in the log folder.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "daemon/base/stable_sort.hpp"
#include "daemon/base/text.hpp"
#include "daemon/discover/finding.hpp"
#include "daemon/discover/groups.hpp"
#include "daemon/discover/settings.hpp"

namespace qw::discover {
namespace {

constexpr std::string_view kMain = "kafka.Kafka";

struct Listener {
  std::string name;
  std::string protocol;  ///< PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
  Choice choice;
};

struct Server {
  const Process* process = nullptr;
  std::string file;
  Settings settings;
  std::string cluster;
  std::vector<std::string> notes;
  std::vector<Listener> clients;
  std::optional<Listener> controller;
  std::vector<Place> voters;
};

std::string value_of(const Settings& settings, const std::string& name, const std::string& otherwise = "") {
  const auto found = settings.find(name);
  return found == settings.end() || found->second.empty() ? otherwise : found->second;
}

std::vector<std::string> list_of(const Settings& settings, const std::string& name,
                                 const std::string& otherwise = "") {
  std::vector<std::string> out;
  const auto text = value_of(settings, name, otherwise);
  for (const auto part : split(text, ',')) {
    if (!trim(part).empty()) out.emplace_back(trim(part));
  }
  return out;
}

std::string upper(std::string text) {
  for (auto& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

bool is_tls(const std::string& protocol) {
  return protocol.ends_with("SSL");
}
bool is_sasl(const std::string& protocol) {
  return protocol.starts_with("SASL");
}

/// What the map says of a listener; without an entry its name is the protocol.
std::string protocol_of(const Settings& settings, const std::string& listener) {
  for (const auto& entry : list_of(settings, "listener.security.protocol.map")) {
    const auto colon = entry.find(':');
    if (colon != std::string::npos && upper(entry.substr(0, colon)) == listener)
      return upper(entry.substr(colon + 1));
  }
  return listener;
}

/// All listeners, each at the address that it advertises where there is one.
void read_listeners(Server& server) {
  const auto& settings = server.settings;
  std::map<std::string, Place> advertised;
  for (const auto& text : list_of(settings, "advertised.listeners")) {
    if (const auto url = read_url(text)) advertised[upper(url->scheme)] = url->place;
  }
  std::vector<std::string> controllers;
  for (const auto& name : list_of(settings, "controller.listener.names")) controllers.push_back(upper(name));
  for (const auto& text : list_of(settings, "listeners", "PLAINTEXT://:9092")) {
    const auto url = read_url(text);
    const auto place = url ? url->place : Place();
    if (place.port == 0) continue;
    const auto name = upper(url->scheme);
    const auto known = advertised.find(name);
    const auto& told = known == advertised.end() ? place : known->second;
    auto choice = choose(*server.process, told.port ? told.port : place.port, told.host);
    // The port that is advertised may be mapped to the one that is listened on.
    if (choice.place.port == 0) choice = choose(*server.process, place.port, place.host);
    Listener listener{name, protocol_of(settings, name), std::move(choice)};
    if (std::ranges::find(controllers, name) != controllers.end())
      server.controller = std::move(listener);
    else
      server.clients.push_back(std::move(listener));
  }
  // A listener between the brokers is the last that a client should use.
  const auto inner = upper(value_of(settings, "inter.broker.listener.name"));
  sort_stably(server.clients, [&](const auto& one) { return one.name == inner; });
}

/// 1@host:9093,2@host:9093 or, with a dynamic quorum, controller.quorum.bootstrap.servers.
void read_voters(Server& server) {
  for (const auto& text : list_of(server.settings, "controller.quorum.voters")) {
    if (auto place = read_place(text.substr(text.find('@') + 1))) server.voters.push_back(std::move(*place));
  }
  for (const auto& text : list_of(server.settings, "controller.quorum.bootstrap.servers")) {
    if (auto place = read_place(text)) server.voters.push_back(std::move(*place));
  }
}

std::optional<Server> read_server(const Process& process, HostFiles& files) {
  const auto main = std::ranges::find(process.args, kMain);
  if (main == process.args.end()) return std::nullopt;
  Server out;
  out.process = &process;
  if (main + 1 != process.args.end()) out.file = *(main + 1);
  const auto text = files.read(process, out.file);
  if (!text) {
    out.notes.push_back(could_not(out.file, text.error()));
    return out;
  }
  out.settings = read_properties(*text);
  for (auto word = main + 1; word != process.args.end(); ++word) {
    if (*word != "--override" || word + 1 == process.args.end()) continue;
    for (const auto& [name, value] : read_properties(*(word + 1))) out.settings[name] = value;
  }
  read_listeners(out);
  read_voters(out);
  if (value_of(out.settings, "process.roles") == "controller") out.clients.clear();
  for (const auto& folder :
       list_of(out.settings, "log.dirs", value_of(out.settings, "log.dir", "/tmp/kafka-logs"))) {
    const auto meta = files.read(process, absolute(folder, "meta.properties"));
    if (meta && out.cluster.empty()) out.cluster = value_of(read_properties(*meta), "cluster.id");
  }
  return out;
}

std::vector<std::string> keys_of(const Server& server) {
  std::vector<std::string> out;
  if (!server.cluster.empty()) out.push_back("cluster " + server.cluster);
  for (const auto& place : server.voters) out.push_back(key_of(*server.process, place));
  if (const auto zookeeper = value_of(server.settings, "zookeeper.connect"); !zookeeper.empty())
    out.push_back("zookeeper " + zookeeper);
  if (server.controller && server.controller->choice.place.port)
    out.push_back(key_of(*server.process, server.controller->choice.place));
  return out;
}

/// The value for one listener, or the one for all.
std::string for_listener(const Server& server, const Listener& listener, const std::string& name) {
  std::string low = listener.name;
  for (auto& c : low) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return value_of(server.settings, fmt::format("listener.name.{}.{}", low, name),
                  value_of(server.settings, name));
}

void add_tls(const Server& server, const Listener& listener, HostFiles& files, Finding& to) {
  const auto store = for_listener(server, listener, "ssl.truststore.location");
  const bool pem = upper(for_listener(server, listener, "ssl.truststore.type")) == "PEM";
  auto entry = tls_entry(files, *server.process, pem ? store : "", "its ssl.truststore.location");
  if (!pem && !store.empty()) {
    entry.notes.push_back(fmt::format(
        "Its authorities are in {}, which is no PEM file: export them (keytool -exportcert -rfc).", store));
  }
  if (for_listener(server, listener, "ssl.client.auth") == "required")
    entry.notes.emplace_back(
        "It asks for a certificate: name cert_file and key_file of one made for quorumwatch.");
  to.entries.push_back(std::move(entry));
}

void add_sasl(const Server& server, const Listener& listener, Finding& to) {
  const auto mechanisms =
      list_of({{"x", for_listener(server, listener, "sasl.enabled.mechanisms")}}, "x", "GSSAPI");
  Entry entry{.key = "sasl", .is_mapping = true, .is_example = true};
  entry.notes.push_back(
      fmt::format("It wants a log-in by one of {}: put the password into a file (probes/ACCOUNTS.md).",
                  fmt::join(mechanisms, ", ")));
  entry.mapping = {
      {"mechanism", "SCRAM-SHA-512"}, {"username", "quorumwatch"}, {"password_file", "kafka.password"}};
  for (const auto* better : {"OAUTHBEARER", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    if (std::ranges::find(mechanisms, better) != mechanisms.end()) entry.mapping.front().second = better;
  }
  if (entry.mapping.front().second == "OAUTHBEARER")
    entry.mapping = {{"mechanism", "OAUTHBEARER"}, {"token_file", "kafka.token"}};
  to.entries.push_back(std::move(entry));
}

/// The controllers are asked with the same TLS and log-in as the brokers.
bool controllers_fit(const Server& server) {
  return !server.controller || server.clients.empty() ||
         (is_tls(server.controller->protocol) == is_tls(server.clients.front().protocol) &&
          is_sasl(server.controller->protocol) == is_sasl(server.clients.front().protocol));
}

class Cluster {
 public:
  Cluster(std::vector<const Server*> servers, HostFiles& files)
      : servers_(std::move(servers)), files_(files) {}

  Finding make() {
    for (const auto* server : servers_) add(*server);
    for (const auto* server : servers_) {
      for (const auto& voter : server->voters) {
        if (!is_loopback(voter.host))
          add_item(controllers_.list, {print(voter), fmt::format("a voter in {}", server->file)});
      }
    }
    out_.usable = !bootstrap_.list.empty();
    if (!out_.usable)
      out_.notes.emplace_back("None of its brokers can be asked from here: name some in bootstrap.");
    out_.entries.push_back(std::move(bootstrap_));
    const auto misfit =
        std::ranges::find_if(servers_, [](const auto* one) { return !controllers_fit(*one); });
    if (misfit != servers_.end()) {
      controllers_.is_example = true;
      controllers_.notes.push_back(
          fmt::format("The controllers speak {} and the brokers {}, quorumwatch asks both in one way.",
                      (*misfit)->controller->protocol, (*misfit)->clients.front().protocol));
    }
    if (!controllers_.list.empty()) out_.entries.push_back(std::move(controllers_));
    if (first_) {
      const auto& listener = first_->clients.front();
      if (is_tls(listener.protocol)) add_tls(*first_, listener, files_, out_);
      if (is_sasl(listener.protocol)) add_sasl(*first_, listener, out_);
    }
    add_timeout();
    return std::move(out_);
  }

 private:
  void add(const Server& server) {
    const auto who = fmt::format("{}, {}", describe(*server.process), server.file);
    for (const auto& note : server.notes)
      out_.notes.push_back(fmt::format("{}: {}.", describe(*server.process), note));
    if (!server.cluster.empty()) add_note(fmt::format("Cluster id {}.", server.cluster));
    if (!value_of(server.settings, "zookeeper.connect").empty())
      add_note("It lives with ZooKeeper, which is not watched.");
    if (!server.clients.empty()) {
      const auto& listener = server.clients.front();
      std::vector<std::string> others;
      for (std::size_t i = 1; i < server.clients.size(); ++i) others.push_back(server.clients[i].name);
      if (!others.empty())
        add_note(fmt::format("The listener {} is used; there are also {}.", listener.name,
                             fmt::join(others, ", ")));
      if (listener.choice.place.port == 0)
        out_.notes.push_back(fmt::format("{}: {}.", who, listener.choice.note));
      else
        add_item(bootstrap_.list, {print(listener.choice.place),
                                   listener.choice.note.empty() ? who : who + "; " + listener.choice.note});
      if (!first_) first_ = &server;
    }
    if (server.controller && server.controller->choice.place.port) {
      auto place = server.controller->choice.place;
      // By the name that the voters' list has for it, so that nobody is listed twice.
      const auto own = discover::keys_of(*server.process, place.port);
      for (const auto& voter : server.voters) {
        if (std::ranges::find(own, key_of(*server.process, voter)) != own.end() && !is_loopback(voter.host))
          place = voter;
      }
      add_item(controllers_.list, {print(place), who});
    }
  }

  void add_note(std::string note) {
    if (std::ranges::find(out_.notes, note) == out_.notes.end()) out_.notes.push_back(std::move(note));
  }

  void add_timeout() {
    for (const auto* server : servers_) {
      const auto value = parse_uint64(value_of(server->settings, "controller.quorum.fetch.timeout.ms"));
      if (!value || *value == 0 || *value > 3'600'000) continue;
      out_.entries.push_back({.key = "quorum_fetch_timeout", .text = fmt::format("{}ms", *value)});
      return;
    }
  }

  std::vector<const Server*> servers_;
  HostFiles& files_;
  Finding out_{.system = "kafka", .name = "kafka"};
  Entry bootstrap_{.key = "bootstrap"};
  Entry controllers_{.key = "controllers"};
  const Server* first_ = nullptr;
};

}  // namespace

std::vector<Finding> find_kafka(const HostView& view, HostFiles& files) {
  std::vector<Server> servers;
  for (const auto& process : view.processes) {
    if (auto server = read_server(process, files)) servers.push_back(std::move(*server));
  }
  std::vector<std::vector<std::string>> keys;
  for (const auto& server : servers) keys.push_back(keys_of(server));
  std::vector<Finding> out;
  for (const auto& indexes : group(keys)) {
    std::vector<const Server*> members;
    for (const auto i : indexes) members.push_back(&servers[i]);
    out.push_back(Cluster(std::move(members), files).make());
  }
  return out;
}

}  // namespace qw::discover
