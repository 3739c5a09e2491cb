// PostgreSQL: postgresql.conf with what it includes, postgresql.auto.conf and the command line. A standby's
// primary_conninfo says to whom it belongs; a primary's files say nothing of its standbys.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"
#include "daemon/discover/finding.hpp"
#include "daemon/discover/groups.hpp"
#include "daemon/discover/settings.hpp"

namespace qw::discover {
namespace {

constexpr int kMaxIncludes = 64;

struct Server {
  const Process* process = nullptr;
  std::string data;
  Settings settings;
  std::vector<Place> primaries;
  std::vector<std::string> receivers;  ///< hosts to which it sends its log at this moment
  std::vector<std::string> notes;
  bool files_read = false;
  std::uint16_t port = 0;
  Choice choice;
};

bool is_server(const Process& process) {
  const auto program = program_of(process);
  return program == "postgres" || program == "postmaster";
}

std::string value_of(const Settings& settings, const std::string& name, const std::string& otherwise = "") {
  const auto found = settings.find(name);
  return found == settings.end() ? otherwise : found->second;
}

/// -D folder, -p port, -c name=value, --name=value; names with '-' or '_'.
Settings read_command_line(const std::vector<std::string>& args) {
  Settings out;
  const auto add = [&](std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return;
    std::string name(text.substr(0, equals));
    std::ranges::replace(name, '-', '_');
    // Read as a line of the file, so that a connection string leaves no password here.
    for (auto& [key, value] : read_postgres(fmt::format("{} = '{}'", name, text.substr(equals + 1))))
      out[key] = value;
  };
  for (std::size_t i = 1; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const auto next = i + 1 < args.size() ? std::string_view(args[i + 1]) : std::string_view();
    if (word.starts_with("--"))
      add(word.substr(2));
    else if (word == "-c")
      add(next);
    else if (word == "-D")
      out["data_directory"] = next;
    else if (word.starts_with("-D"))
      out["data_directory"] = word.substr(2);
    else if (word == "-p")
      out["port"] = next;
  }
  return out;
}

class Reader {
 public:
  Reader(const Process& process, HostFiles& files, Server& to) : process_(process), files_(files), to_(to) {}

  void read(const std::string& path, bool must_be_there = true) {
    if (--left_ < 0) {
      if (left_ == -1) to_.notes.emplace_back("it includes too many files: not all were read");
      return;
    }
    const auto text = files_.read(process_, path);
    if (!text) {
      if (must_be_there || text.error().kind() != ErrorKind::unreachable)
        to_.notes.push_back(could_not(path, text.error()));
      return;
    }
    to_.files_read = true;
    const auto folder = path.substr(0, path.rfind('/'));
    for (const auto& [name, value] : read_postgres(*text)) {
      if (name == "include" || name == "include_if_exists")
        read(absolute(folder, value), name == "include");
      else if (name == "include_dir")
        read_folder(absolute(folder, value));
      else
        to_.settings[name] = value;
    }
  }

 private:
  void read_folder(const std::string& path) {
    for (const auto& name : files_.list(process_, path)) {
      if (name.ends_with(".conf")) read(absolute(path, name));
    }
  }

  const Process& process_;
  HostFiles& files_;
  Server& to_;
  int left_ = kMaxIncludes;
};

/// The server changes into its data folder, so a relative -D means nothing and the working folder all.
Server read_server(const Process& process, HostFiles& files) {
  Server out;
  out.process = &process;
  const auto given = read_command_line(process.args);
  const auto folder = value_of(given, "data_directory");
  const auto variable = process.environment.find("PGDATA");
  out.data = folder.starts_with('/') ? folder : process.folder;
  if (out.data.empty() && variable != process.environment.end()) out.data = variable->second;
  if (out.data.empty()) {
    out.notes.emplace_back("its data folder is not known");
  } else {
    Reader reader(process, files, out);
    reader.read(absolute(out.data, value_of(given, "config_file", "postgresql.conf")));
    out.data = value_of(out.settings, "data_directory", out.data);
    reader.read(absolute(out.data, "postgresql.auto.conf"), false);
  }
  for (const auto& [name, value] : given) out.settings[name] = value;
  const auto primaries = value_of(out.settings, "primary_conninfo");
  for (const auto part : split(primaries, ',')) {
    if (auto place = read_place(part)) out.primaries.push_back(std::move(*place));
  }
  for (const auto& one : process.listens) {
    if (!one.udp && out.port == 0) out.port = one.port;
  }
  const auto port = read_port(value_of(out.settings, "port", "5432"));
  if (port && (listens_on(process, *port) || !process.sockets_read)) out.port = *port;
  out.choice = choose(process, out.port);
  if (process.sockets_read && process.listens.empty())
    out.choice = {{}, "it listens on Unix sockets only, where quorumwatch does not ask"};
  return out;
}

std::vector<std::string> keys_of(const Server& server) {
  auto out = discover::keys_of(*server.process, server.port);
  for (const auto& primary : server.primaries) out.push_back(key_of(*server.process, primary));
  return out;
}

/// How it was told to call itself, where all say the same.
std::string name_of(const std::vector<const Server*>& servers) {
  const auto name = value_of(servers.front()->settings, "cluster_name");
  const bool same = std::ranges::all_of(
      servers, [&](const auto* one) { return value_of(one->settings, "cluster_name") == name; });
  return same && !name.empty() && servers.size() > 1 ? name : "postgres";
}

/// "postgres: 15/main: walsender replicator 10.0.0.2(43210) streaming 0/3000148": a child that serves a
/// standby.
std::string receiver_of(const Process& process) {
  const auto words = split(process.args.front(), ' ');
  const auto sender = std::ranges::find(words, "walsender");
  if (!process.args.front().starts_with("postgres:") || words.end() - sender < 4 ||
      *(sender + 3) != "streaming")
    return "";
  const auto host = (sender + 2)->substr(0, (sender + 2)->find('('));
  return is_host(host) ? std::string(host) : "";
}

/// Children are in the data folder of their server.
void add_receivers(const HostView& view, std::vector<Server>& servers) {
  for (const auto& process : view.processes) {
    const auto host = receiver_of(process);
    if (host.empty() || is_loopback(host)) continue;
    for (auto& server : servers) {
      const bool own = server.process->network == process.network && server.process->folder == process.folder;
      if (own && !process.folder.empty()) server.receivers.push_back(host);
    }
  }
}

bool is_on(const std::string& value) {
  return value == "on" || value == "true" || value == "yes" || value == "1";
}

void add_tls(const std::vector<const Server*>& servers, HostFiles& files, Finding& to) {
  const auto server =
      std::ranges::find_if(servers, [](const auto* one) { return is_on(value_of(one->settings, "ssl")); });
  if (server == servers.end()) return;
  const auto authorities = absolute((*server)->data, value_of((*server)->settings, "ssl_ca_file"));
  if (!authorities.empty() && files.is_same_here(*(*server)->process, authorities)) {
    to.entries.push_back(tls_entry(files, *(*server)->process, authorities, "its ssl_ca_file"));
    return;
  }
  to.entries.push_back(
      {.key = "sslmode",
       .notes =
           {"It speaks TLS. Who signed its certificate is not known here, so it is not checked; better is "
            "tls: {ca_file: FILE}."},
       .text = "require"});
}

Finding make(const std::vector<const Server*>& servers, HostFiles& files) {
  Finding out{.system = "postgres", .name = name_of(servers)};
  Entry members{.key = "members"};
  std::vector<std::string> here;
  std::vector<Place> named;
  for (const auto* server : servers)
    named.insert(named.end(), server->primaries.begin(), server->primaries.end());
  for (const auto* server : servers) {
    const auto who = describe(*server->process);
    for (const auto& note : server->notes) out.notes.push_back(fmt::format("{}: {}.", who, note));
    auto place = server->choice.place;
    for (const auto& key : discover::keys_of(*server->process, server->port)) {
      here.push_back(key);
      const auto other = read_place(key);
      if (other && std::ranges::find(named, *other) != named.end()) place = *other;
    }
    if (place.port == 0) {
      out.notes.push_back(fmt::format("{}: {}.", who, server->choice.note));
      continue;
    }
    const auto data = server->data.empty() ? who : fmt::format("{}, {}", who, server->data);
    add_item(members.list,
             {print(place), server->choice.note.empty() ? data : data + "; " + server->choice.note});
  }
  for (const auto* server : servers) {
    for (const auto& primary : server->primaries) {
      if (is_loopback(primary.host) ||
          std::ranges::find(here, key_of(*server->process, primary)) != here.end())
        continue;
      add_item(members.list,
               {print(primary), fmt::format("not seen here, the primary of {}", describe(*server->process))});
    }
  }
  for (const auto* server : servers) {
    for (const auto& host : server->receivers) {
      const bool known = std::ranges::any_of(
          members.list, [&](const auto& one) { return read_place(one.text).value_or(Place()).host == host; });
      if (!known)
        out.notes.push_back(fmt::format("{} sends its log to {}: add that standby with its port.",
                                        describe(*server->process), host));
    }
  }
  if (!members.list.empty())
    out.notes.emplace_back(
        "Standbys on other hosts are not in these files: add each with its own address, never a pooler's.");
  out.usable = !members.list.empty();
  out.entries.push_back(std::move(members));
  out.entries.push_back(
      {.key = "username",
       .notes = {"A role that has to be made (probes/ACCOUNTS.md); this one is only proposed."},
       .text = "quorumwatch"});
  out.entries.push_back({.key = "password_file",
                         .notes = {"Where pg_hba.conf asks for its password: put it into a file."},
                         .text = "postgres.password",
                         .is_example = true});
  add_tls(servers, files, out);
  return out;
}

}  // namespace

std::vector<Finding> find_postgres(const HostView& view, HostFiles& files) {
  std::vector<Server> servers;
  for (const auto& process : view.processes) {
    if (is_server(process)) servers.push_back(read_server(process, files));
  }
  add_receivers(view, servers);
  std::vector<std::vector<std::string>> keys;
  for (const auto& server : servers) keys.push_back(keys_of(server));
  std::vector<Finding> out;
  for (const auto& indexes : group(keys)) {
    std::vector<const Server*> members;
    for (const auto i : indexes) members.push_back(&servers[i]);
    out.push_back(make(members, files));
  }
  return out;
}

}  // namespace qw::discover
