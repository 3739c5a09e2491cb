#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/notify/alertmanager.hpp"
#include "daemon/notify/prometheus_watch.hpp"
#include "daemon/notify/relabel.hpp"

namespace qw::notify {

/// The alert that always fires while the daemon lives: whoever misses it knows that the way to them is
/// broken.
inline constexpr std::string_view kWatchdog = "QuorumwatchWatchdog";

struct Options {
  Options() = default;
  std::vector<HttpEndpoint> alertmanagers;
  Labels external_labels;  ///< added where an alert has no such label
  std::vector<RelabelRule> relabel;
  Nanoseconds resend = std::chrono::seconds(30);
  bool watchdog = true;
  std::string instance;  ///< the watchdog's label, so that two daemons have two of them
  /// `mode: shadow`: who is left to speak while it evaluates. Nothing: we always speak.
  std::optional<HttpEndpoint> shadow;
};

/// Tells every Alertmanager what fires and what has ended, each on its own.
class Notifier {
 public:
  Notifier(net::Net& net, const Clock& clock, async::TaskGroup::OnBug on_bug);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// A new configuration. What an Alertmanager that stays was told is kept.
  void configure(Options options);
  /// All alerts there are, as of one evaluation.
  void publish(const AlertsPtr& alerts);
  /// Ends all tasks and returns when they have ended. What is not acknowledged by then is sent after the next
  /// start: the rules' state is saved.
  Task<void> stop();

  std::vector<Delivery> stats() const;
  /// Whether a Prometheus speaks for us now.
  bool silent() const;

 private:
  struct Generation;
  void send();
  AlertPtr dressed(const AlertPtr& alert) const;

  net::Net& net_;
  const Clock& clock_;
  async::TaskGroup::OnBug on_bug_;
  WallTime started_;
  Options options_;
  AlertsPtr alerts_;
  std::unordered_map<AlertPtr, AlertPtr> dressed_;  ///< what became of each of them
  std::unique_ptr<Generation> now_;
  std::vector<std::unique_ptr<Generation>> old_;  ///< their tasks have yet to end
};

}  // namespace qw::notify
