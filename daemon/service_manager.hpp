#pragma once
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "daemon/async/task.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/service_status.hpp"
#include "daemon/watchdog.hpp"

namespace qw {

/// Tells systemd, or whoever started the daemon and speaks its protocol (sd_notify(3): one datagram a
/// message), how it is. Without $NOTIFY_SOCKET nothing is told.
class ServiceManager {
 public:
  struct Options {
    std::string socket;      ///< a path, or an abstract name that begins with '@'; empty: nobody listens
    Nanoseconds watchdog{};  ///< zero: there is none
  };
  /// $NOTIFY_SOCKET, and $WATCHDOG_USEC where $WATCHDOG_PID is us or not set.
  static Options from_environment();

  struct Sources {
    std::function<ServiceFigures()> figures;
    /// Of rules and state; `loop` is filled in here.
    std::function<Progress()> progress;
  };
  ServiceManager(const Clock& clock, Options options, Sources sources);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// It serves, with its first configuration. No target has been asked yet.
  void ready();
  void reloading();
  /// Ready again, with the new configuration or with the old one.
  void reloaded(const Result<void>& outcome);
  void stopping();
  /// Once a second, or more often for an impatient watchdog: the status line, and food. Runs until it is
  /// cancelled; ends at once where nobody listens.
  Task<void> run();

 private:
  void tick();
  /// Never blocks and never fails: what the manager has no room for waits for the next tick.
  void tell(std::string message);
  void flush();
  bool send(std::string_view message);
  std::string status_line();

  const Clock& clock_;
  Options options_;
  Sources sources_;
  ServiceStatus status_;
  Watchdog watchdog_;
  SteadyTime last_tick_;
  std::string_view logged_;  ///< the part that was named as stuck
  std::deque<std::string> waiting_;
  int socket_ = -1;
  bool failure_logged_ = false;
};

}  // namespace qw
