#include "daemon/service_manager.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "daemon/base/log.hpp"
#include "daemon/base/text.hpp"

namespace qw {
namespace {

constexpr Nanoseconds kTick = std::chrono::seconds(1);
/// A manager that takes nothing for longer than this many messages last gets the newest.
constexpr std::size_t kMaxWaiting = 16;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

ServiceManager::Options ServiceManager::from_environment() {
  Options out;
  out.socket = environment("NOTIFY_SOCKET");
  const auto period = parse_uint64(environment("WATCHDOG_USEC"));
  const auto pid = environment("WATCHDOG_PID");
  const bool ours = pid.empty() || parse_int64(pid) == ::getpid();
  // Longer than a day is as good as none, and must not overflow.
  if (period && ours && *period <= 86'400'000'000) out.watchdog = std::chrono::microseconds(*period);
  return out;
}

ServiceManager::ServiceManager(const Clock& clock, Options options, Sources sources)
    : clock_(clock),
      options_(std::move(options)),
      sources_(std::move(sources)),
      watchdog_(options_.watchdog),
      last_tick_(clock.steady()) {}

ServiceManager::~ServiceManager() {
  if (socket_ >= 0) ::close(socket_);
}

std::string ServiceManager::status_line() {
  const auto line = status_.next(sources_.figures(), clock_.steady(), clock_.wall());
  return line ? "\nSTATUS=" + *line : "";
}

void ServiceManager::ready() {
  tell("READY=1" + status_line());
}

void ServiceManager::reloading() {
  // Newer managers hold the time against that of the READY that follows.
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady().time_since_epoch());
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()));
}

void ServiceManager::reloaded(const Result<void>& outcome) {
  status_.set_problem(outcome ? "" : outcome.error().message());
  ready();
}

void ServiceManager::stopping() {
  tell("STOPPING=1\nSTATUS=stopping");
}

Task<void> ServiceManager::run() {
  if (options_.socket.empty()) co_return;
  const auto pause = watchdog_.watched() ? std::min(kTick, options_.watchdog / 4) : kTick;
  last_tick_ = clock_.steady();
  while (true) {
    tick();
    const bool slept = co_await async::sleep_until(clock_.steady() + pause);
    if (!slept) co_return;
  }
}

void ServiceManager::tick() {
  flush();
  if (const auto line = status_line(); !line.empty()) tell(line.substr(1));
  auto progress = sources_.progress();
  const auto now = clock_.steady();
  progress.loop = std::exchange(last_tick_, now);
  if (watchdog_.feed(progress, now)) tell("WATCHDOG=1");
  if (watchdog_.stuck() == logged_) return;
  logged_ = watchdog_.stuck();
  if (logged_.empty()) {
    log::info("all parts get on again, the watchdog is fed");
  } else {
    log::error("a part does not get on: the watchdog is not fed, and will end this process",
               {{"part", std::string(logged_)}});
  }
}

void ServiceManager::tell(std::string message) {
  if (options_.socket.empty()) return;
  if (waiting_.size() == kMaxWaiting) waiting_.pop_front();
  waiting_.push_back(std::move(message));
  flush();
}

void ServiceManager::flush() {
  while (!waiting_.empty() && send(waiting_.front())) waiting_.pop_front();
}

/// False when it should be tried again.
bool ServiceManager::send(std::string_view message) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const auto& name = options_.socket;
  int error = name.size() < sizeof(to.sun_path) ? 0 : ENAMETOOLONG;
  if (error == 0 && socket_ < 0) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) error = errno;
  }
  if (error == 0) {
    std::memcpy(to.sun_path, name.data(), name.size());
    if (name.front() == '@') to.sun_path[0] = '\0';
    // The name of an abstract socket ends where its length says, without a zero.
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    const auto sent = ::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
                               static_cast<const sockaddr*>(static_cast<const void*>(&to)), size);
    if (sent < 0) error = errno;
  }
  if (error == EAGAIN || error == EINTR || error == ENOBUFS) return false;
  if (error != 0 && !std::exchange(failure_logged_, true)) {
    log::warning("the service manager can not be told how the daemon is",
                 {{"socket", name}, {"reason", std::strerror(error)}});
  }
  return true;
}

}  // namespace qw
