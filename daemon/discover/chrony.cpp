// chronyd: where it answers chronyc, where it serves time, and by whom it sets its clock.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "daemon/base/text.hpp"
#include "daemon/discover/finding.hpp"
#include "daemon/discover/settings.hpp"

namespace qw::discover {
namespace {

constexpr std::uint16_t kCommandPort = 323;
constexpr std::uint16_t kTimePort = 123;
constexpr int kMaxFiles = 64;

struct Server {
  const Process* process = nullptr;
  std::string file;
  std::uint16_t command_port = kCommandPort;
  std::uint16_t time_port = kTimePort;
  bool answers_others = false;  ///< cmdallow
  bool serves_others = false;   ///< allow
  bool file_read = false;
  std::vector<std::string> sources;
  std::vector<std::string> notes;
};

class Reader {
 public:
  Reader(HostFiles& files, Server& to) : files_(files), to_(to) {}

  Result<void> read(const std::string& path) {
    if (--left_ < 0) return {};
    const auto text = files_.read(*to_.process, path);
    if (!text) return std::unexpected(text.error());
    for (const auto& words : read_chrony(*text)) take(words);
    return {};
  }

 private:
  void take(const std::vector<std::string>& words) {
    const auto& name = words.front();
    const auto value = words.size() > 1 ? words[1] : std::string();
    if (name == "cmdallow") to_.answers_others = true;
    if (name == "allow") to_.serves_others = true;
    if (name == "cmdport") to_.command_port = read_port(value).value_or(0);
    if (name == "port") to_.time_port = read_port(value).value_or(0);
    if ((name == "server" || name == "pool" || name == "peer") && is_host(value) && to_.sources.size() < 32)
      to_.sources.push_back(value);
    if (name == "include" && !value.contains('*')) {
      if (const auto good = read(value); !good) to_.notes.push_back(could_not(value, good.error()));
    }
    if (name == "confdir") read_folders(words, ".conf");
    if (name == "sourcedir") read_folders(words, ".sources");
  }

  void read_folders(const std::vector<std::string>& words, std::string_view suffix) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      for (const auto& file : files_.list(*to_.process, words[i])) {
        const auto path = absolute(words[i], file);
        if (!file.ends_with(suffix)) continue;
        if (const auto good = read(path); !good) to_.notes.push_back(could_not(path, good.error()));
      }
    }
  }

  HostFiles& files_;
  Server& to_;
  int left_ = kMaxFiles;
};

Server read_server(const Process& process, HostFiles& files) {
  Server out;
  out.process = &process;
  out.file = "/etc/chrony/chrony.conf";
  for (std::size_t i = 1; i + 1 < process.args.size(); ++i) {
    if (process.args[i] == "-f") out.file = process.args[i + 1];
  }
  const auto good = Reader(files, out).read(out.file);
  out.file_read = good.has_value();
  if (!good) out.notes.push_back(could_not(out.file, good.error()));
  return out;
}

bool hears(const Server& server, std::uint16_t port) {
  return port != 0 && (listens_on(*server.process, port, true) || !server.process->sockets_read);
}

/// On loopback chronyd answers whoever asks; others need its leave.
void add_members(const Server& server, Entry& members, Finding& to) {
  const auto& process = *server.process;
  const auto who = describe(process);
  auto command = choose(process, server.command_port, "", true);
  if (process.own_network && hears(server, server.command_port)) command.place.host = "127.0.0.1";
  const bool may_ask = process.own_network || server.answers_others;
  if (hears(server, server.command_port) && command.place.port && may_ask) {
    add_item(members.list, {"chrony://" + print(command.place), who});
    return;
  }
  const auto time = choose(process, server.time_port, "", true);
  if (hears(server, server.time_port) && time.place.port && server.serves_others) {
    add_item(members.list, {"ntp://" + print(time.place), who});
    return;
  }
  to.notes.push_back(fmt::format("{}: neither cmdallow nor allow lets us ask it.", who));
}

}  // namespace

std::vector<Finding> find_clocks(const HostView& view, HostFiles& files) {
  Finding out{.system = "clocks", .name = "clocks"};
  Entry members{.key = "members"};
  std::set<std::string> sources;
  std::set<std::uint64_t> seen;
  for (const auto& process : view.processes) {
    if (program_of(process) != "chronyd" && process.comm != "chronyd") continue;
    // Debian's chronyd is two processes, of which one holds the sockets.
    if (process.sockets_read && process.listens.empty()) continue;
    const auto server = read_server(process, files);
    seen.insert(process.pid);
    for (const auto& note : server.notes)
      out.notes.push_back(fmt::format("{}: {}.", describe(process), note));
    sources.insert(server.sources.begin(), server.sources.end());
    add_members(server, members, out);
  }
  if (seen.empty()) return {};
  out.usable = !members.list.empty();
  out.entries.push_back(std::move(members));
  if (!sources.empty()) {
    out.notes.push_back(fmt::format(
        "It sets its clock by {}. Watch those too (ntp://HOST) if they are yours; strangers' want "
        "to be asked no more than once a minute (interval: 1m).",
        fmt::join(sources, ", ")));
  }
  std::vector<Finding> all;
  all.push_back(std::move(out));
  return all;
}

}  // namespace qw::discover
