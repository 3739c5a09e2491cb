#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/model/alert.hpp"

namespace qw::notify {

/// What one Alertmanager still has to hear. It is a state, not a queue: for each alert it knows what that
/// Alertmanager acknowledged last, so nothing is lost while it is away and nothing piles up. Sent means
/// acknowledged.
///
/// Pure; times are passed in.
class Outbox {
 public:
  struct Options {
    Options() = default;
    /// A firing alert is said again after this long, well within Alertmanager's resolve_timeout of 5 min.
    Nanoseconds resend = std::chrono::seconds(30);
    /// How long an end that nobody acknowledges is kept.
    Nanoseconds keep_ended = std::chrono::hours(24);
    std::size_t max_alerts = 50'000;  ///< more are left out and counted; firing ones push out ended ones
    std::size_t batch = 256;          ///< alerts in one request
    /// hold() does not hold the alert of this name: it tells that we are there ourselves.
    std::string never_held = {};
  };
  explicit Outbox(Options options) : options_(options) {}

  /// All alerts there are now, with the labels that are sent. A firing one that is no longer among them has
  /// ended (its rule is gone): it is told as ended at `wall`. One that was handed over is forgotten.
  void update(const std::vector<AlertPtr>& alerts, SteadyTime now, WallTime wall);
  /// Takes over what another one knows, which is empty after that.
  void adopt(Outbox&& other);
  /// Somebody else tells Alertmanager now: nothing new is sent, but what was sent from here and has ended is.
  void hold(bool held) { held_ = held; }

  /// What should go out now, the longest waiting first; empty: nothing. The same alerts come again until they
  /// are acknowledged or refused.
  std::vector<AlertPtr> due(SteadyTime now) const;
  /// When due() will have something; nothing: only after the next update.
  std::optional<SteadyTime> next_due() const;

  /// These are being sent: until they are acknowledged, what Alertmanager knows of them is not sure.
  void begin(const std::vector<AlertPtr>& alerts);
  void acknowledge(const std::vector<AlertPtr>& alerts, SteadyTime now);
  /// Alertmanager will never take this one as it is; it is not sent again until it changes.
  void refuse(const AlertPtr& alert);

  std::size_t waiting() const;  ///< alerts with something that was not acknowledged yet
  std::size_t size() const { return entries_.size(); }
  std::uint64_t left_out() const { return left_out_; }

 private:
  /// unsure: it was sent another thing since, and nobody knows whether that arrived.
  enum class Said : std::uint8_t { nothing, firing, ended, unsure };
  struct Entry {
    AlertPtr alert;
    Said said = Said::nothing;  ///< what was acknowledged last
    bool refused = false;
    bool listed = false;       ///< by the last update
    SteadyTime due;            ///< since when it waits, or when it will be said again
    SteadyTime since;          ///< when it came to its present state
    std::uint64_t number = 0;  ///< in order of arrival
  };
  /// Alerts by their labels.
  struct SameLabels {
    std::size_t operator()(const AlertPtr& alert) const;
    bool operator()(const AlertPtr& a, const AlertPtr& b) const { return a->labels == b->labels; }
  };

  static Said state(const Alert& alert) { return alert.ends_at ? Said::ended : Said::firing; }
  static bool fires(const Entry& entry) { return !entry.alert->ends_at; }
  bool is_waiting(const Entry& entry) const;
  bool is_held(const Entry& entry) const;
  bool wants_sending(const Entry& entry) const;
  bool is_done(const Entry& entry, SteadyTime now) const;
  void take_over(Entry& entry, const AlertPtr& alert, SteadyTime now);
  bool make_room();

  Options options_;
  std::unordered_map<AlertPtr, Entry, SameLabels, SameLabels> entries_;
  std::uint64_t arrivals_ = 0;
  /// The entries of the last update's alerts, most of which come again as they are.
  std::unordered_map<AlertPtr, Entry*> unchanged_;
  bool held_ = false;
  std::uint64_t left_out_ = 0;
};

}  // namespace qw::notify
