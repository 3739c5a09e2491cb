// A switch whose every direction between two ports has a delay, jitter, loss, duplicates and reordering of
// its own, changeable while it runs; README.md beside this file tells how it is used.
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "daemon/base/text.hpp"
#include "tests/lab/delayline/switch.hpp"

namespace qw::lab {
namespace {

struct Options {
  std::string control;
  std::string record;
  std::uint64_t seed = 1;
  std::vector<std::string> interfaces;
};

std::optional<Options> read_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const bool has_value = i + 1 < count;
    if (word == "--control" && has_value) {
      options.control = arguments[++i];
    } else if (word == "--record" && has_value) {
      options.record = arguments[++i];
    } else if (word == "--seed" && has_value) {
      const auto seed = parse_uint64(arguments[++i]);
      if (!seed) return std::nullopt;
      options.seed = *seed;
    } else {
      options.interfaces.emplace_back(word);
    }
  }
  if (options.control.empty() || options.interfaces.size() < 2) return std::nullopt;
  return options;
}

/// Ahead of all that makes the machine busy: the line is what others are measured against. Without the right
/// to it the record is as true, and the delays less even.
void hurry() {
  sched_param priority{};
  priority.sched_priority = 10;
  if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0) ::setpriority(PRIO_PROCESS, 0, -20);
  ::mlockall(MCL_CURRENT | MCL_FUTURE);
}

int listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  ::unlink(path.c_str());
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return ::listen(descriptor, 8) == 0 ? descriptor : -1;
}

/// One command, one reply: "ok", or what is wrong.
void obey(int listener, Switch& line) {
  const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const timeval patience{.tv_sec = 0, .tv_usec = 50'000};
  ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::array<char, 1024> command{};
  const auto size = ::recv(client, command.data(), command.size(), 0);
  if (size > 0) {
    const auto done = line.change(trim({command.data(), static_cast<std::size_t>(size)}));
    const std::string reply = done ? "ok" : done.error().message();
    ::send(client, reply.data(), reply.size(), MSG_NOSIGNAL);
  }
  ::close(client);
}

[[noreturn]] void serve(Switch& line, int control) {
  std::vector<pollfd> watched;
  for (const auto& port : line.ports())
    watched.push_back({.fd = port->descriptor(), .events = POLLIN, .revents = 0});
  watched.push_back({.fd = control, .events = POLLIN, .revents = 0});
  std::optional<Nanoseconds> patience;
  while (true) {
    const auto count = patience.value_or(Nanoseconds(0)).count();
    const timespec limit{.tv_sec = count / 1'000'000'000, .tv_nsec = count % 1'000'000'000};
    ::ppoll(watched.data(), watched.size(), patience ? &limit : nullptr, nullptr);
    for (std::size_t i = 0; i + 1 < watched.size(); ++i) line.take_in(i);
    if ((watched.back().revents & POLLIN) != 0) obey(control, line);
    patience = line.release();
  }
}

int run(const Options& options) {
  std::vector<std::unique_ptr<Port>> ports;
  for (const auto& interface : options.interfaces) {
    auto port = Port::open(interface);
    if (!port) {
      fmt::print(stderr, "delayline: {}\n", port.error().message());
      return 1;
    }
    ports.push_back(std::move(*port));
  }
  std::FILE* record = nullptr;
  if (!options.record.empty()) {
    record = std::fopen(options.record.c_str(), "we");
    if (record == nullptr) {
      fmt::print(stderr, "delayline: {}: {}\n", options.record, std::strerror(errno));
      return 1;
    }
  }
  const int control = listen_at(options.control);
  if (control < 0) {
    fmt::print(stderr, "delayline: {}: {}\n", options.control, std::strerror(errno));
    return 1;
  }
  hurry();
  Switch line(std::move(ports), record, options.seed);
  serve(line, control);
}

}  // namespace
}  // namespace qw::lab

int main(int count, char** arguments) {
  const auto options = qw::lab::read_options(count, arguments);
  if (!options) {
    fmt::print(stderr,
               "usage: delayline --control SOCKET [--record FILE] [--seed N] INTERFACE INTERFACE...\n");
    return 2;
  }
  return qw::lab::run(*options);
}
